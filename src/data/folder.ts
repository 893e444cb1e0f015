import { type Dirent, existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { classNumbers } from "./classes.ts";
import { readCsv } from "./csv.ts";
import { type Dataset, invalid, type OpenOptions, type Part } from "./dataset.ts";
import { fileError } from "./file-error.ts";
import { openIdx } from "./idx.ts";
import { filePlace, openListing } from "./listing.ts";
import { isMediaName, openMedia } from "./media.ts";
import type { Table } from "./table.ts";

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

const mediaIn = (path: string, entries: readonly Entry[]) =>
  entries.filter(({ name, folder }) => !folder && isMediaName(name)).map(({ name }) => join(path, name));

/** The table that says each file's class: the one .csv in the folder, or beside it under its name, that names images or recordings. */
function listingOf(path: string, entries: readonly Entry[]): Table | undefined {
  const inside = entries.filter(({ name, folder }) => !folder && /\.csv$/i.test(name)).map(({ name }) => join(path, name));
  const beside = `${resolve(path)}.csv`;
  const listings = [...inside, ...(existsSync(beside) ? [beside] : [])].map(readCsv).filter((table) => filePlace(table) !== undefined);
  if (listings.length > 1)
    throw invalid(path, `several tables name its files: ${listings.map((table) => table.path).join(", ")}; keep one of them`);
  return listings[0];
}

/**
 * A folder: the usual MNIST file names; `train` and `test` (or `val`) subfolders; a subfolder of images or recordings for each class; or images
 * or recordings, whose classes a .csv inside it or beside it can say. Files of other kinds are passed over.
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

  const files = mediaIn(path, entries);
  const classes = entries
    .filter(({ folder }) => folder)
    .map(({ name }) => ({ name, files: mediaIn(join(path, name), list(join(path, name))) }))
    .filter((c) => c.files.length > 0);
  if (otherHalf && files.length === 0) throw invalid(path, `it has a ${otherPart} part but no ${part} part`);
  if (files.length > 0 && classes.length > 0) throw invalid(path, "it holds both files and folders of files; keep one or the other");
  const listing = files.length > 0 ? listingOf(path, entries) : undefined;
  if (listing) return openListing(path, listing, options);
  if (files.length > 0) return openMedia(path, files, options);
  if (classes.length === 0) throw invalid(path, "it holds no images, no recordings and no idx files");
  return openMedia(
    path,
    classes.flatMap((c) => c.files),
    options,
    classNumbers(
      classes.flatMap((c) => c.files.map(() => c.name)),
      labels,
    ),
  );
}
