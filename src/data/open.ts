import { statSync } from "node:fs";
import { EdgepackError } from "../errors.ts";
import { openArrays, ZIP_MAGIC } from "./arrays.ts";
import { type Dataset, invalid, type OpenOptions } from "./dataset.ts";
import { readHead, startsWith } from "./file.ts";
import { openFolder, openImages } from "./folder.ts";
import { isIdx, openIdx } from "./idx.ts";
import { isImage } from "./images.ts";
import { NPY_MAGIC } from "./npy.ts";

type Opener = (path: string, options: OpenOptions) => Dataset;

/** Kinds of files, told by their first bytes. */
const KINDS: readonly { readonly is: (head: Uint8Array) => boolean; readonly open: Opener }[] = [
  { is: isImage, open: (path, options) => openImages(path, [path], options) },
  { is: (head) => startsWith(head, NPY_MAGIC) || startsWith(head, ZIP_MAGIC), open: openArrays },
  { is: isIdx, open: openIdx },
];

/**
 * Opens a dataset: a `.npy` or `.npz` file, idx files (packed or not), a PNG or JPEG image, or a folder of images or of MNIST's files.
 * Throws FILE where nothing can be read there, DATA_INVALID where it is damaged or does not fit the model's inputs.
 */
export async function openDataset(path: string, options: OpenOptions): Promise<Dataset> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new EdgepackError("FILE", `${path} does not exist`);
  if (stat.isDirectory()) return openFolder(path, options);
  const head = readHead(path, 16);
  const kind = KINDS.find(({ is }) => is(head));
  if (!kind) throw invalid(path, "not a kind of data that edgepack reads: .npy, .npz, idx (also .gz), PNG, JPEG, or a folder of images");
  return kind.open(path, options);
}
