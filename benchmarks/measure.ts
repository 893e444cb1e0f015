/** What results depend on, to be kept beside them. */
import { readFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";

export { type MeasureOptions, measure, quartiles, type Timing } from "../src/cli/measure.ts";

export function machine(root: URL): Record<string, string> {
  const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  return {
    date: new Date().toISOString().slice(0, 10),
    edgepack: version,
    node: process.version,
    v8: process.versions.v8,
    cpu: cpus()[0].model,
    platform: `${platform()}-${arch()}`,
  };
}
