import { invalid } from "./dataset.ts";
import { readUnpacked } from "./file.ts";
import { type Cell, type Table, tableOf } from "./table.ts";

const NEWLINE = 0x0a;

/** Deepest nesting of a list: as many dimensions as an input has. */
const MOST_DIMS = 8;

/** Throws a plain Error where a value is no cell. */
function cellOf(column: string, value: unknown): Cell {
  if (typeof value === "number" || typeof value === "string") return value;
  if (typeof value === "boolean") return Number(value);
  if (value === null || value === undefined) return undefined;
  const list = Array.isArray(value) ? value.flat(MOST_DIMS) : [];
  if (list.length === 0 || !list.every((v) => typeof v === "number"))
    throw new Error(`its ${column} is neither a number, a text nor a list of numbers`);
  return list;
}

/** The cells of one line, by the columns' names; a line that is a list has the columns 0, 1, … */
function parseLine(line: string): Map<string, Cell> {
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null) throw new Error("it is neither an object nor a list");
  return new Map(Object.entries(value).map(([name, v]) => [name, cellOf(name, v)]));
}

/** The lines that are not blank, with their numbers from 1. */
function* linesOf(bytes: Uint8Array): Generator<{ text: string; number: number }> {
  for (let at = 0, number = 1; at < bytes.length; number++) {
    const found = bytes.indexOf(NEWLINE, at);
    const end = found < 0 ? bytes.length : found;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at)
      .toString("utf8")
      .trim();
    if (text !== "") yield { text, number };
    at = end + 1;
  }
}

/**
 * Reads JSON Lines (jsonlines.org; packed by gzip or not): an object or a list a line, of numbers, texts and (nested) lists of numbers. The
 * first line that can be read names the columns. A line that cannot be read is an item that cannot.
 */
export function readJsonl(path: string): Table {
  const numbers: number[] = [];
  const lines: (Map<string, Cell> | Error)[] = [];
  for (const { text, number } of linesOf(readUnpacked(path))) {
    numbers.push(number);
    try {
      lines.push(parseLine(text));
    } catch (error) {
      lines.push(error as Error);
    }
  }
  const first = lines.find((line) => line instanceof Map);
  if (!first) throw invalid(path, lines.length === 0 ? "it holds no lines" : `line ${numbers[0]}: ${(lines[0] as Error).message}`);
  const columns = [...first.keys()];
  const rows = lines.map((line) => (line instanceof Map ? columns.map((name) => line.get(name)) : line));
  return tableOf(path, columns, rows, (row) => `line ${numbers[row]}`);
}
