/** Reports as files. */
import { extname } from "node:path";
import { EdgepackError } from "../errors.ts";
import type { FullReport } from "./evidence.ts";
import { reportPage } from "./page.ts";

const WRITERS: Readonly<Record<string, (report: FullReport) => string>> = {
  ".html": reportPage,
  ".json": (report) => `${JSON.stringify(report, null, 2)}\n`,
};

/** What writes a report to a file of this name. Throws USAGE where its extension says neither. */
export function reportWriter(path: string): (report: FullReport) => Uint8Array {
  const write = WRITERS[extname(path).toLowerCase()];
  if (!write) throw new EdgepackError("USAGE", `--report ${path}: name it ${Object.keys(WRITERS).join(" or ")}, which says what it is`);
  return (report) => new TextEncoder().encode(write(report));
}
