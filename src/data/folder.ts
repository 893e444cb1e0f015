import { type Dirent, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { EdgepackError } from "../errors.ts";
import { type Dataset, invalid, type OpenOptions, type Part } from "./dataset.ts";
import { readBytes, readHead } from "./file.ts";
import { fileError } from "./file-error.ts";
import { openIdx } from "./idx.ts";
import { decodeImage, IMAGE_MAGIC_BYTES, isImage } from "./images.ts";
import { imageInput, toInput } from "./pixels.ts";

const IMAGE_NAME = /\.(png|jpe?g)$/i;

/** MNIST's file names: idx images of the two halves. */
const MNIST_IMAGES: { readonly [P in Part]: RegExp } = {
  train: /^train-images[-.]idx3-ubyte(\.gz)?$/,
  test: /^t10k-images[-.]idx3-ubyte(\.gz)?$/,
};

/** Subfolders that hold the two halves. */
const PART_FOLDERS: { readonly [P in Part]: readonly string[] } = { train: ["train", "training"], test: ["test", "val", "validation"] };

interface Entry {
  readonly name: string;
  readonly folder: boolean;
}

/** Files and folders that are not hidden, sorted by name (code points). */
function list(path: string): Entry[] {
  const isFolder = (entry: Dirent) =>
    entry.isSymbolicLink() ? (statSync(join(path, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false) : entry.isDirectory();
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith("."))
      .map((entry) => ({ name: entry.name, folder: isFolder(entry) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw fileError(error, `${path} cannot be read`);
  }
}

const imagesOf = (path: string, entries: readonly Entry[]) =>
  entries.filter(({ name, folder }) => !folder && IMAGE_NAME.test(name)).map(({ name }) => join(path, name));

/**
 * The number of each class folder: by the model's labels where all names are among them; the names themselves where they are whole
 * numbers; else their place in sorted order.
 */
function classNumbers(names: readonly string[], labels: readonly string[] | undefined): { numbers: number[]; classes?: readonly string[] } {
  if (labels && names.every((name) => labels.includes(name)))
    return { numbers: names.map((name) => labels.indexOf(name)), classes: labels };
  if (names.every((name) => /^\d{1,9}$/.test(name))) return { numbers: names.map(Number), classes: labels };
  return { numbers: names.map((_, i) => i), classes: names };
}

/** Images that are read and decoded when asked for. */
export function openImages(
  path: string,
  files: readonly string[],
  options: OpenOptions,
  labels?: Int32Array,
  classes?: readonly string[],
): Dataset {
  if (options.inputs.length !== 1)
    throw invalid(path, `images feed one input, and the model has ${options.inputs.length}; give an .npz with an array for each`);
  const input = imageInput(options.inputs[0]);
  const bad = files.filter((file) => !isImage(readHead(file, IMAGE_MAGIC_BYTES)));
  if (bad.length > 0) throw new EdgepackError("DATA_INVALID", `${path}: these files are neither PNG nor JPEG images`, bad);
  return {
    count: files.length,
    labels,
    classes,
    kind: "images",
    description: `${files.length} image${files.length === 1 ? "" : "s"} from ${path}`,
    async item(i) {
      return { [input.name]: toInput(decodeImage(files[i], readBytes(files[i])), input) };
    },
  };
}

/**
 * A folder: the usual MNIST file names; `train` and `test` (or `val`) subfolders; a subfolder of images for each class; or images.
 * Files of other kinds are passed over.
 */
export function openFolder(path: string, options: OpenOptions): Dataset {
  const { part, labels } = options;
  const entries = list(path);
  const names = new Set(entries.map(({ name }) => name));
  const idx = entries.find(({ name }) => MNIST_IMAGES[part].test(name));
  if (idx) return openIdx(join(path, idx.name), options);
  const half = PART_FOLDERS[part].find((name) => names.has(name));
  const otherPart = part === "train" ? "test" : "train";
  const otherHalf =
    PART_FOLDERS[otherPart].some((name) => names.has(name)) || [...names].some((name) => MNIST_IMAGES[otherPart].test(name));
  if (half !== undefined) return openFolder(join(path, half), options);

  const files = imagesOf(path, entries);
  const classes = entries
    .filter(({ folder }) => folder)
    .map(({ name }) => ({ name, files: imagesOf(join(path, name), list(join(path, name))) }))
    .filter((c) => c.files.length > 0);
  if (otherHalf && files.length === 0) throw invalid(path, `it has a ${otherPart} part but no ${part} part`);
  if (files.length > 0 && classes.length > 0) throw invalid(path, "it holds both images and folders of images; keep one or the other");
  if (files.length > 0) return openImages(path, files, options);
  if (classes.length === 0) throw invalid(path, "it holds no images and no idx files");
  const { numbers, classes: classNames } = classNumbers(
    classes.map(({ name }) => name),
    labels,
  );
  const perImage = Int32Array.from(classes.flatMap((c, k) => c.files.map(() => numbers[k])));
  return openImages(
    path,
    classes.flatMap((c) => c.files),
    options,
    perImage,
    classNames,
  );
}
