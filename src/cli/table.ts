import Table from "cli-table3";
import type { Colors } from "./terminal.ts";

/** Bytes for people: three digits, SI units (1 kB = 1000 bytes). */
export function bytes(n: number): string {
  if (Math.round(n) < 1000) return `${Math.round(n)} B`;
  const [value, unit] = n < 1e6 ? [n / 1e3, "kB"] : [n / 1e6, "MB"];
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

/** A count for people: 12.5 M. */
export function count(n: number): string {
  const [value, unit] = n < 1e4 ? [n, ""] : n < 1e6 ? [n / 1e3, " k"] : n < 1e9 ? [n / 1e6, " M"] : [n / 1e9, " G"];
  return `${unit === "" ? value : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)}${unit}`;
}

/** At most this many significant digits, without trailing zeros. */
export function digits(x: number, most = 4): string {
  return Number.isFinite(x) ? String(Number(x.toPrecision(most))) : String(x);
}

const NO_LINES = Object.fromEntries(
  [
    "top",
    "top-mid",
    "top-left",
    "top-right",
    "bottom",
    "bottom-mid",
    "bottom-left",
    "bottom-right",
    "left",
    "left-mid",
    "mid",
    "mid-mid",
    "right",
    "right-mid",
  ].map((part) => [part, ""]),
);

export type Cell = string | number | undefined;

/** A table without lines: columns of text to the left, columns whose heading begins with `>` to the right; no headings where all are empty. */
export function table(colors: Colors, headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const view = new Table({
    head: headings.every((h) => /^>?$/.test(h)) ? [] : headings.map((h) => colors.dim(h.replace(/^>/, ""))),
    colAligns: headings.map((h) => (h.startsWith(">") ? "right" : "left")),
    chars: { ...NO_LINES, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  for (const row of rows) view.push(row.map((cell) => String(cell ?? "")));
  return view
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
