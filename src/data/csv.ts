import { parse } from "csv-parse/sync";
import { invalid } from "./dataset.ts";
import { readUnpacked } from "./file.ts";
import { isMediaName } from "./media.ts";
import { type Cell, type Table, tableOf } from "./table.ts";

const DELIMITERS = [",", ";", "\t"] as const;

/** A row longer than this is taken for a quote that never ends. */
const MOST_ROW_CHARACTERS = 2 ** 24;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const NO_NUMBER = /^[+-]?(nan|inf(inity)?)$/i;

/** Numbers as such, NaN and infinities among them; an empty cell as undefined; all else as text. */
function cellOf(text: string): Cell {
  if (text === "") return undefined;
  if (NUMBER.test(text)) return Number(text);
  if (!NO_NUMBER.test(text)) return text;
  return /nan/i.test(text) ? Number.NaN : text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** Of commas, semicolons and tabs the one that the first line has most of. */
function delimiterOf(bytes: Uint8Array): string {
  const [line] = Buffer.from(bytes.subarray(0, 2 ** 16))
    .toString("utf8")
    .split("\n", 1);
  const counts = DELIMITERS.map((d) => line.split(d).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))];
}

/**
 * Reads a CSV file (RFC 4180, UTF-8, packed by gzip or not) whose delimiter is a comma, semicolon or tab. The first row names the columns unless a
 * cell of it is a number or a file's name; the columns then are called 0, 1, …
 */
export function readCsv(path: string): Table {
  const bytes = readUnpacked(path);
  const rows: Cell[][] = [];
  try {
    parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
      bom: true,
      delimiter: delimiterOf(bytes),
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: MOST_ROW_CHARACTERS,
      // Held as numbers at once: a table's texts would take many times the memory.
      on_record: (cells) => {
        rows.push(cells.map(cellOf));
        return null;
      },
    });
  } catch (error) {
    throw invalid(path, `not a readable CSV file (${(error as Error).message})`, error);
  }
  if (rows.length === 0) throw invalid(path, "it holds no rows");
  const named = rows[0].every((cell) => cell === undefined || (typeof cell === "string" && !isMediaName(cell)));
  const columns = rows[0].map((cell, i) => (named && cell !== undefined ? String(cell) : String(i)));
  const body = named ? rows.slice(1) : rows;
  return tableOf(path, columns, body, (row) => `row ${row + (named ? 2 : 1)}`);
}
