/**
 * Time of an inference against multiply-accumulates, over MobileNetV2 in ten widths and resolutions: `npm run bench:scaling [-- --quick]`. A kernel that is good
 * at some sizes only shows as a bad fit. Writes benchmarks/results/scaling.json.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { syntheticDataset } from "../src/data/index.ts";
import { load } from "../src/run/index.ts";
import { ROOT } from "./fashion-mnist.ts";
import { linearFit } from "./fit.ts";
import { machine, measure } from "./measure.ts";
import { FAMILIES, onnxOfGraph } from "./nets.ts";
import { packOf } from "./packs.ts";

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

const rows: { width: number; size: number; macs: number; f32: number; int8: number }[] = [];
const runs: Record<string, () => unknown> = {};
for (const [width, size] of FAMILY) {
  const onnx = onnxOfGraph(FAMILIES.mobilenetv2(width, size));
  const f32 = await packOf(onnx, "scaling f32", () => ({ weights: "f32" }));
  const int8 = await packOf(onnx, "scaling int8", () => ({ calibration: syntheticDataset(f32.inputs, 4, 1) }));
  const macs = f32.report.layers.reduce((sum, layer) => sum + layer.macs, 0);
  const [{ name, shape }] = f32.inputs;
  const x = Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => Math.sin(i));
  for (const [form, { epk }] of Object.entries({ f32, int8 })) {
    const model = await load(epk);
    runs[`${rows.length} ${form}`] = () => model.run({ [name]: x });
  }
  rows.push({ width, size, macs, f32: 0, int8: 0 });
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
