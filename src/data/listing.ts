import { existsSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { EdgepackError } from "../errors.ts";
import { type Dataset, invalid, type OpenOptions } from "./dataset.ts";
import { isMediaName, openMedia } from "./media.ts";
import { cellAt, labelPlace, readClasses, type Table } from "./table.ts";

/** Problems that are named. */
const MOST_PROBLEMS = 20;

const isMediaCell = (cell: unknown) => typeof cell === "string" && isMediaName(cell);

/** The column that names files; undefined where a table is no listing of files. */
export function filePlace(table: Table): number | undefined {
  for (let row = 0; row < table.count; row++) {
    try {
      const place = table.row(row).findIndex(isMediaCell);
      return place < 0 ? undefined : place;
    } catch {}
  }
  return undefined;
}

/** The file of a name, in the folder and nowhere else; what lies there may be a link. */
function fileIn(folder: string, name: string): string | undefined {
  const path = join(folder, name);
  const inside = relative(folder, path);
  return inside.split(sep)[0] !== ".." && existsSync(path) ? path : undefined;
}

/**
 * Images or recordings of a folder that a table names, a row each, with their classes: in the column that `labelColumn` names or of a usual
 * name, or in the only other one. Throws DATA_INVALID with all rows whose file is missing or lies outside the folder.
 */
export function openListing(folder: string, table: Table, options: OpenOptions): Dataset {
  const { path } = table;
  const place = filePlace(table);
  if (place === undefined) throw invalid(path, "no column of it names images or recordings");
  const others = table.columns.map((_, i) => i).filter((i) => i !== place);
  const label = labelPlace(table, options) ?? (others.length === 1 ? others[0] : undefined);
  const problems: string[] = [];
  const files = Array.from({ length: table.count }, (_, row) => {
    const cell = cellAt(table, row, place);
    const file = typeof cell === "string" ? fileIn(folder, cell) : undefined;
    if (file === undefined) problems.push(`${table.where(row)}: ${cell ?? "no name"}`);
    return file!;
  });
  if (problems.length > 0)
    throw new EdgepackError("DATA_INVALID", `${path}: these files are not in ${folder}`, problems.slice(0, MOST_PROBLEMS));
  return openMedia(folder, files, options, label === undefined ? undefined : readClasses(table, label, options));
}

/** A table that names files lies in their folder, or beside a folder of its name. */
export function folderOf(path: string): string {
  const beside = path.replace(/\.csv$/i, "");
  return beside !== path && existsSync(beside) ? beside : dirname(path);
}
