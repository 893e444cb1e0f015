/**
 * Top-1 of the Fashion-MNIST models on all 10,000 test images, f32 and int8, and the sizes of their packs: `npm run bench:accuracy`.
 * Calibration takes 256 training images.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "../src/build.ts";
import { argmax } from "../src/compress/compare.ts";
import { type Dataset, openDataset } from "../src/data/index.ts";
import { load } from "../src/run/index.ts";
import { DATA, MODELS, PREPROCESS, ROOT } from "./fashion-mnist.ts";
import { machine } from "./measure.ts";

async function top1(epk: Uint8Array, test: Dataset): Promise<{ correct: number; count: number }> {
  const model = await load(epk);
  let correct = 0;
  for (let i = 0; i < test.count; i++) {
    const [scores] = Object.values(model.run(await test.item(i)));
    if (argmax(scores) === test.labels![i]) correct++;
  }
  model.dispose();
  return { correct, count: test.count };
}

const results = [];
for (const [model, path] of Object.entries(MODELS)) {
  const onnx = readFileSync(new URL(path, ROOT));
  const float = await build(onnx, { weights: "f32", preprocess: PREPROCESS });
  const { inputs } = float.meta;
  const calibration = await openDataset(DATA, { part: "train", inputs });
  const test = await openDataset(DATA, { part: "test", inputs });
  const builds = {
    f32: float,
    "int8-static": await build(onnx, { preprocess: PREPROCESS, calibration }),
    "int8-dynamic": await build(onnx, { preprocess: PREPROCESS }),
  };
  const modes: Record<string, { epk: number; correct: number; count: number }> = {};
  for (const [mode, { epk }] of Object.entries(builds)) modes[mode] = { epk: epk.length, ...(await top1(epk, test)) };
  results.push({ model, onnx: onnx.length, modes });
  console.log(model, JSON.stringify(modes));
}
writeFileSync(new URL("benchmarks/results/accuracy.json", ROOT), `${JSON.stringify({ machine: machine(ROOT), results }, null, 2)}\n`);
