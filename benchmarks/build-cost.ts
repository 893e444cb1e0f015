/**
 * What a build costs against the size of the model: `npm run bench:build` (after `npm run build`). Transformer encoders of more and more layers with made-up
 * weights, built by a fresh process each; seconds are of CPU. Writes benchmarks/results/build-cost.json.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "./fashion-mnist.ts";
import { linearFit } from "./fit.ts";
import { machine } from "./measure.ts";
import { FAMILIES, onnxOfGraph } from "./nets.ts";

const { values: options } = parseArgs({
  options: {
    layers: { type: "string", default: "2,4,7,14" },
    weights: { type: "string", default: "f32,int8" },
    out: { type: "string", default: "benchmarks/results/build-cost.json" },
  },
});

const SCRIPT = `
const [library, path, weights] = process.argv.slice(1);
const { readFileSync } = await import("node:fs");
const { build } = await import(library);
const before = process.cpuUsage();
const { epk } = await build(readFileSync(path), { weights });
const { user, system } = process.cpuUsage(before);
const seconds = (user + system) / 1e6;
console.log(JSON.stringify({ seconds, rss: process.resourceUsage().maxRSS * 1024, epk: epk.length }));
`;

const folder = mkdtempSync(join(tmpdir(), "edgepack-build-cost-"));
const results: { weights: string; onnx: number; seconds: number; rss: number; epk: number }[] = [];
/** After each build, so that what was measured is kept where a later one is stopped. */
function save(): void {
  const fits = Object.fromEntries(
    [...new Set(results.map(({ weights }) => weights))].flatMap((weights) => {
      const rows = results.filter((row) => row.weights === weights);
      // A line through two points fits them, whatever they are.
      return rows.length < 3 ? [] : [[weights, linearFit(rows.map(({ onnx, seconds }) => [onnx / 1e6, seconds]))]];
    }),
  );
  writeFileSync(new URL(options.out, ROOT), `${JSON.stringify({ machine: machine(ROOT), fits, results }, null, 2)}\n`);
}

try {
  for (const layers of options.layers.split(",").map(Number)) {
    const path = join(folder, `${layers}.onnx`);
    const onnx = onnxOfGraph(FAMILIES.encoder(layers));
    writeFileSync(path, onnx);
    for (const weights of options.weights.split(",")) {
      const args = ["--input-type=module", "-e", SCRIPT, new URL("dist/index.js", ROOT).href, path, weights];
      const built = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
      results.push({ weights, onnx: onnx.length, ...built });
      console.log(
        weights,
        `${(onnx.length / 1e6).toFixed(0)} MB`,
        `${built.seconds.toFixed(1)} s`,
        `${(built.rss / 1e6).toFixed(0)} MB resident`,
      );
      save();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
