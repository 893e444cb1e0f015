import { inspectMask, loadMask } from "../../compress/prune/index.ts";
import { share } from "../../report/numbers.ts";
import { count, table } from "../table.ts";
import { colorsFor, print, printJson, type Terminal } from "../terminal.ts";

/** Prints what a mask removes, constant by constant. */
export function printMask(terminal: Terminal, path: string, json: boolean): void {
  const constants = inspectMask(loadMask(path));
  const total = (of: "elements" | "removed"): number => constants.reduce((sum, constant) => sum + constant[of], 0);
  const [elements, removed] = [total("elements"), total("removed")];
  if (json) {
    printJson(terminal, { kind: "mask", elements, removed, constants });
    return;
  }
  const rows = constants.map((c) => [
    c.name,
    `[${c.shape.join(",")}]`,
    count(c.removed),
    share(c.removed, c.elements),
    c.emptyFirst,
    c.emptyLast,
  ]);
  const colors = colorsFor(terminal, terminal.stdout);
  print(terminal, `${colors.bold("mask")}  removes ${count(removed)} of ${count(elements)} weights (${share(removed, elements)})\n`);
  print(terminal, table(colors, ["constant", "shape", ">removed", ">share", ">empty rows", ">empty columns"], rows));
}
