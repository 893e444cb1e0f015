/**
 * Time of an inference against multiply-accumulates, over MobileNetV2 in ten widths and resolutions: `npm run bench:scaling [-- --quick]`. A kernel that is good
 * at some sizes only shows as a bad fit. Writes benchmarks/results/scaling.json.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { quantizeStatic } from "../src/compress/quantize.ts";
import { macsOf } from "../src/compress/report.ts";
import { writeEpk } from "../src/format/index.ts";
import type { Graph } from "../src/graph/graph.ts";
import { optimize } from "../src/passes/index.ts";
import { planGraph } from "../src/plan/plan.ts";
import { load } from "../src/run/index.ts";
import { gridOfRange } from "../src/tensor/index.ts";
import { ROOT } from "./fashion-mnist.ts";
import { linearFit } from "./fit.ts";
import { machine, measure } from "./measure.ts";
import { FAMILIES } from "./nets.ts";

const { values: options } = parseArgs({
  options: { quick: { type: "boolean", default: false }, out: { type: "string", default: "benchmarks/results/scaling.json" } },
});

/** Width multiplier and side of the image. */
const FAMILY: readonly (readonly [width: number, size: number])[] = [
  [0.35, 96],
  [0.35, 128],
  [0.5, 128],
  [0.5, 160],
  [0.75, 128],
  [0.75, 160],
  [0.75, 192],
  [1, 160],
  [1, 192],
  [1, 224],
];

/** All values on one grid: which kernels run, and how long, does not depend on what the grids are. */
function onAssumedGrids(graph: Graph): Graph {
  const values = [...graph.inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)];
  return quantizeStatic(graph, new Map(values.map((value) => [value, gridOfRange(-1, 1)])));
}

const rows: { width: number; size: number; macs: number }[] = [];
const runs: Record<string, () => unknown> = {};
for (const [width, size] of FAMILY) {
  const f32 = optimize(FAMILIES.mobilenetv2(width, size));
  const x = Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i));
  for (const [form, graph] of Object.entries({ f32, int8: onAssumedGrids(f32) })) {
    const model = await load(writeEpk(planGraph(graph).pack));
    runs[`${rows.length} ${form}`] = () => model.run({ input: x });
  }
  rows.push({ width, size, macs: f32.nodes.reduce((sum, node) => sum + macsOf(node, f32), 0) });
}
const times = await measure(runs, options.quick ? { warmMs: 300, rounds: 9, roundMs: 10 } : {});
/** Milliseconds of CPU, which other work on the machine does not stretch. */
const cost = (run: string): number => times[run].cpu ?? times[run].ms;
const results = rows.map((row, i) => ({ ...row, f32: cost(`${i} f32`), int8: cost(`${i} int8`) }));
const fits = Object.fromEntries(
  (["f32", "int8"] as const).map((form) => [form, linearFit(results.map((row) => [row.macs / 1e6, row[form]]))]),
);
for (const row of results)
  console.log(row.width, row.size, `${(row.macs / 1e6).toFixed(1)} MMAC`, row.f32.toPrecision(3), row.int8.toPrecision(3));
console.log(fits);
writeFileSync(new URL(options.out, ROOT), `${JSON.stringify({ machine: machine(ROOT), fits, results }, null, 2)}\n`);
