import { statSync } from "node:fs";
import { EdgepackError } from "../errors.ts";
import { openArrays, ZIP_MAGIC } from "./arrays.ts";
import { readCsv } from "./csv.ts";
import { type Dataset, invalid, type OpenOptions } from "./dataset.ts";
import { readHead, startsWith } from "./file.ts";
import { openFolder } from "./folder.ts";
import { isIdx, openIdx } from "./idx.ts";
import { readJsonl } from "./jsonl.ts";
import { filePlace, folderOf, openListing } from "./listing.ts";
import { isMedia, openMedia } from "./media.ts";
import { NPY_MAGIC } from "./npy.ts";
import { openTable, type Table } from "./table.ts";

type Opener = (path: string, options: OpenOptions) => Dataset;

/** Kinds of files, told by their first bytes. */
const KINDS: readonly { readonly is: (head: Uint8Array) => boolean; readonly open: Opener }[] = [
  { is: isMedia, open: (path, options) => openMedia(path, [path], options) },
  { is: (head) => startsWith(head, NPY_MAGIC) || startsWith(head, ZIP_MAGIC), open: openArrays },
  { is: isIdx, open: openIdx },
];

/** Kinds of text, which only their names tell. */
const TABLES: readonly { readonly name: RegExp; readonly read: (path: string) => Table }[] = [
  { name: /\.(csv|tsv)(\.gz)?$/i, read: readCsv },
  { name: /\.(jsonl|ndjson)(\.gz)?$/i, read: readJsonl },
];

/**
 * Opens a dataset: a `.npy` or `.npz` file, idx files (packed or not), a PNG or JPEG image, a WAV recording, a `.csv` or `.jsonl` table (of
 * values, or of the names of files), or a folder of images or recordings or of MNIST's files.
 * Throws FILE where nothing can be read there, DATA_INVALID where it is damaged or does not fit the model's inputs.
 */
export async function openDataset(path: string, options: OpenOptions): Promise<Dataset> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new EdgepackError("FILE", `${path} does not exist`);
  if (stat.isDirectory()) return openFolder(path, options);
  const text = TABLES.find(({ name }) => name.test(path));
  if (text) {
    const table = text.read(path);
    return filePlace(table) === undefined ? openTable(table, options) : openListing(folderOf(path), table, options);
  }
  const head = readHead(path, 16);
  const kind = KINDS.find(({ is }) => is(head));
  if (!kind)
    throw invalid(
      path,
      "not a kind of data that edgepack reads: .npy, .npz, idx (also .gz), PNG, JPEG, WAV, .csv, .jsonl (also .gz), or a folder of images or recordings. Text needs a tokenizer, which edgepack has not: give token ids as .jsonl",
    );
  return kind.open(path, options);
}
