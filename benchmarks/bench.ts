/**
 * Whole nets beside other engines, one thread each, in one process: `npm run bench [-- options]` (after `npm ci --prefix tests/peers`).
 *
 *   --nets a,b       some of the nets (default: all)
 *   --litert folder  a folder with litert.mjs, .tflite twins of the nets and node_modules/@litertjs/core: adds LiteRT's f32 and int8
 *   --out file       where results go (default: benchmarks/results/bench.json)
 *
 * int8 is calibrated with synthetic inputs, where a net's weights are made up as well, and with training images where they are not. The int8 that
 * onnxruntime-web runs is edgepack's own Q/DQ export of the same integers.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { type BuildOptions, build } from "../src/build.ts";
import { type Dataset, openDataset, syntheticDataset } from "../src/data/index.ts";
import type { InputPort } from "../src/format/image.ts";
import { load } from "../src/run/index.ts";
import { DATA, MODELS, PREPROCESS, ROOT } from "./fashion-mnist.ts";
import { machine, measure, type Timing } from "./measure.ts";
import { NETS, onnxOf } from "./nets.ts";

const { values: options } = parseArgs({
  options: { nets: { type: "string" }, litert: { type: "string" }, out: { type: "string", default: "benchmarks/results/bench.json" } },
});

/** A net to be timed: its ONNX, how it is built, and the name of its LiteRT twin. */
interface Net {
  readonly onnx: () => Uint8Array;
  readonly options: Pick<BuildOptions, "preprocess">;
  readonly calibration: (inputs: readonly InputPort[]) => Dataset | Promise<Dataset>;
  readonly twin?: string;
}

const nets: Readonly<Record<string, Net>> = {
  ...Object.fromEntries(
    Object.entries(MODELS).map(([name, path]): [string, Net] => [
      `fmnist-${name}`,
      {
        onnx: () => readFileSync(new URL(path, ROOT)),
        options: { preprocess: PREPROCESS },
        calibration: (inputs) => openDataset(DATA, { part: "train", inputs }),
      },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(NETS).map(([name, { twin }]): [string, Net] => [
      name,
      { onnx: () => onnxOf(name), options: {}, calibration: (inputs) => syntheticDataset(inputs, 8, 1), twin },
    ]),
  ),
};

type Contenders = Record<string, () => unknown>;

interface OrtSession {
  readonly outputNames: readonly string[];
  run(feeds: Record<string, unknown>): Promise<unknown>;
}

const require = createRequire(new URL("tests/peers/package.json", ROOT));
const ort = await import(pathToFileURL(require.resolve("onnxruntime-web")).href);
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "fatal";

async function onnxruntime(onnx: Uint8Array, input: InputPort, x: Float32Array): Promise<() => unknown> {
  const session: OrtSession = await ort.InferenceSession.create(onnx);
  return () => session.run({ [input.name]: new ort.Tensor("float32", x, input.shape) });
}

/** LiteRT reads NHWC and gives its answer by a promise; its time includes handing over the input, as a user's does. */
async function litert(folder: string, twin: string, shape: readonly number[], x: Float32Array): Promise<Contenders> {
  const module = await import(pathToFileURL(join(folder, "litert.mjs")).href);
  const [n, c, h, w] = shape;
  const nhwc = shape.length === 4 ? [n, h, w, c] : shape;
  const contenders: Contenders = {};
  for (const [name, file] of [
    ["litert f32", `${twin}_fp32.tflite`],
    ["litert int8", `${twin}_int8.tflite`],
  ]) {
    const path = join(folder, file);
    if (!existsSync(path)) continue;
    const run = await module.litert(folder, readFileSync(path));
    contenders[name] = () => run(x, nhwc);
  }
  return contenders;
}

const wanted = options.nets?.split(",") ?? Object.keys(nets);
const unknown = wanted.filter((name) => !nets[name]);
if (unknown.length > 0) throw new Error(`unknown nets ${unknown.join(", ")}; there are ${Object.keys(nets).join(", ")}`);

const peer = JSON.parse(readFileSync(new URL("tests/peers/node_modules/onnxruntime-web/package.json", ROOT), "utf8")).version;
mkdirSync(new URL("benchmarks/results/", ROOT), { recursive: true });
const results: { net: string; macs: number; bytes: Record<string, number>; memory: object; times: Record<string, Timing> }[] = [];
for (const name of wanted) {
  const net = nets[name];
  const onnx = net.onnx();
  const float = await build(onnx, { ...net.options, weights: "f32" });
  const integer = await build(onnx, { ...net.options, calibration: await net.calibration(float.meta.inputs) });
  const [input] = float.meta.inputs;
  const x = Float32Array.from({ length: input.shape.reduce((n, d) => n * d, 1) }, (_, i) => Math.sin(i));
  const [f32, int8] = [await load(float.epk), await load(integer.epk)];
  const times = await measure<string>({
    f32: () => f32.run({ [input.name]: x }),
    int8: () => int8.run({ [input.name]: x }),
    "onnxruntime f32": await onnxruntime(onnx, input, x),
    ...(options.litert && net.twin ? await litert(options.litert, net.twin, input.shape, x) : {}),
  });
  f32.dispose();
  int8.dispose();
  const macs = float.report.layers.reduce((sum, layer) => sum + layer.macs, 0);
  results.push({
    net: name,
    macs,
    bytes: { onnx: onnx.length, f32: float.epk.length, int8: integer.epk.length },
    memory: integer.report.memory,
    times,
  });
  console.log(
    name.padEnd(16),
    Object.entries(times)
      .map(([engine, { ms }]) => `${engine} ${ms.toPrecision(3)} ms`)
      .join("   "),
  );
  // After each net, so that what was measured is kept where a later one is stopped.
  writeFileSync(new URL(options.out, ROOT), `${JSON.stringify({ machine: { ...machine(ROOT), onnxruntime: peer }, results }, null, 2)}\n`);
}
