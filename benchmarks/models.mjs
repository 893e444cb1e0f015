// Time and size of whole models: edgepack's f32 and int8 beside onnxruntime-web's f32, one thread each.
//   npm run build && npm ci --prefix tests/peers && npm run bench
// EDGEPACK_FASHION_MNIST names the folder of the data set that int8 is calibrated with (Debian: dataset-fashion-mnist).
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { build, load, openDataset } from "../dist/index.js";
import { machine, measure, models, PREPROCESS as preprocess } from "./measure.mjs";

const root = new URL("..", import.meta.url);
const data = process.env.EDGEPACK_FASHION_MNIST ?? "/usr/share/datasets/fashion-mnist";

const require = createRequire(new URL("tests/peers/package.json", root));
const ort = await import(pathToFileURL(require.resolve("onnxruntime-web")).href);
ort.env.wasm.numThreads = 1;
const peer = JSON.parse(readFileSync(new URL("tests/peers/node_modules/onnxruntime-web/package.json", root), "utf8")).version;

const results = [];
for (const [name, path] of Object.entries(models)) {
  const onnx = readFileSync(new URL(path, root));
  const float = await build(onnx, { weights: "f32", preprocess });
  const calibration = await openDataset(data, { part: "train", inputs: float.meta.inputs });
  const integer = await build(onnx, { preprocess, calibration });
  const session = await ort.InferenceSession.create(onnx);
  const [input] = float.meta.inputs;
  const x = Float32Array.from({ length: 784 }, (_, i) => Math.sin(i));
  const [f32, int8] = [await load(float.epk), await load(integer.epk)];
  const times = await measure({
    f32: () => f32.run({ [input.name]: x }),
    int8: () => int8.run({ [input.name]: x }),
    onnxruntime: () => session.run({ [input.name]: new ort.Tensor("float32", x, input.shape) }),
  });
  const macs = float.report.layers.reduce((sum, layer) => sum + layer.macs, 0);
  results.push({
    model: name,
    macs,
    onnx: onnx.length,
    epk: { f32: float.epk.length, int8: integer.epk.length },
    memory: integer.report.memory,
    times,
  });
  console.log(
    `${name.padEnd(10)} ${Object.entries(times)
      .map(([engine, { ms }]) => `${engine} ${ms.toFixed(3)} ms`)
      .join("   ")}`,
  );
}

const report = { machine: { ...machine(), onnxruntime: peer }, results };
writeFileSync(new URL("benchmarks/results/models.json", root), `${JSON.stringify(report, null, 2)}\n`);
