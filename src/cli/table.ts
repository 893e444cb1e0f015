import Table from "cli-table3";
import type { Colors } from "./terminal.ts";

export { bytes, count, digits } from "../report/numbers.ts";

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
