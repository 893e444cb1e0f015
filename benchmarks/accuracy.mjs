// Top-1 of the Fashion-MNIST models on all 10,000 test images, f32 and int8, and the sizes of their packs.
//   npm run build && node benchmarks/accuracy.mjs
// EDGEPACK_FASHION_MNIST names the folder of the data set (Debian: dataset-fashion-mnist). Calibration takes 256 training images.
import { readFileSync, writeFileSync } from "node:fs";
import { build, load, openDataset } from "../dist/index.js";
import { machine, models, PREPROCESS } from "./measure.mjs";

const root = new URL("..", import.meta.url);
const data = process.env.EDGEPACK_FASHION_MNIST ?? "/usr/share/datasets/fashion-mnist";

async function top1(epk, test) {
  const model = await load(epk);
  let correct = 0;
  for (let i = 0; i < test.count; i++) {
    const [scores] = Object.values(model.run(await test.item(i)));
    if (scores.indexOf(Math.max(...scores)) === test.labels[i]) correct++;
  }
  model.dispose();
  return { correct, count: test.count };
}

const results = [];
for (const [model, path] of Object.entries(models)) {
  const onnx = readFileSync(new URL(path, root));
  const float = await build(onnx, { weights: "f32", preprocess: PREPROCESS });
  const { inputs } = float.meta;
  const calibration = await openDataset(data, { part: "train", inputs });
  const test = await openDataset(data, { part: "test", inputs });
  const modes = {
    f32: float,
    "int8-static": await build(onnx, { preprocess: PREPROCESS, calibration }),
    "int8-dynamic": await build(onnx, { preprocess: PREPROCESS }),
  };
  const row = { model, onnx: onnx.length, modes: {} };
  for (const [mode, { epk }] of Object.entries(modes)) row.modes[mode] = { epk: epk.length, ...(await top1(epk, test)) };
  results.push(row);
  console.log(model, JSON.stringify(row.modes));
}
writeFileSync(new URL("benchmarks/results/accuracy.json", root), `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`);
