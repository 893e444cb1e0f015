/**
 * Whole nets beside other engines, one thread each, in one process and in turn: `npm run bench [-- options]`.
 *
 *   --nets a,b       some of the nets (default: all)
 *   --quick          a quarter of the time for each; good enough to see factors
 *   --litert folder  adds LiteRT.js: see engines/litert.ts
 *   --out file       where results go (default: benchmarks/results/bench.json)
 *
 * int8 is calibrated with synthetic inputs where a net's weights are made up as well, and with training images where they are not. The int8 nets of
 * onnxruntime-web are edgepack's own exports of the same integers, so that both compute the same. EDGEPACK_MODELS names a folder with more models
 * (models.ts). Every answer is compared with edgepack's before anything is timed.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { readOnnx } from "../src/onnx/index.ts";
import { optimize } from "../src/passes/index.ts";
import { load } from "../src/run/index.ts";
import { agreement } from "./agreement.ts";
import type { Engine, Feed } from "./engines/engine.ts";
import { litertEngine, litertVersion } from "./engines/litert.ts";
import { onnxruntimeEngine } from "./engines/onnxruntime.ts";
import { tfjsEngine } from "./engines/tfjs.ts";
import { ROOT } from "./fashion-mnist.ts";
import { machine, measure, type Timing } from "./measure.ts";
import { allModels, type BenchModel } from "./models.ts";
import { type PackFile, packOf } from "./packs.ts";
import { peerVersion } from "./peers.ts";

const { values: options } = parseArgs({
  options: {
    nets: { type: "string" },
    quick: { type: "boolean", default: false },
    litert: { type: "string" },
    out: { type: "string", default: "benchmarks/results/bench.json" },
  },
});

const PACE = options.quick ? { warmMs: 400, rounds: 11, roundMs: 10 } : { warmMs: 1500, rounds: 31, roundMs: 20 };

interface Result {
  readonly net: string;
  readonly macs: number;
  readonly bytes: Readonly<Record<string, number>>;
  readonly memory: Readonly<Record<string, PackFile["report"]["memory"]>>;
  readonly times: Readonly<Record<string, Timing>>;
  /** Signal to noise of other engines' answers against edgepack's of the same weights, in dB. */
  readonly agreement: Readonly<Record<string, number>>;
  /** Engines that cannot run the net, and why. */
  readonly refused: Readonly<Record<string, string>>;
}

async function edgepackEngine(epk: Uint8Array, feeds: readonly Feed[]): Promise<Engine & { dispose(): void }> {
  const model = await load(epk);
  const inputs = Object.fromEntries(feeds.map(({ name, data }) => [name, data]));
  return {
    run: () => model.run(inputs),
    read: (answer) => model.outputs.map(({ name }) => (answer as Record<string, ArrayLike<number>>)[name]),
    dispose: () => model.dispose(),
  };
}

async function bench(name: string, model: BenchModel): Promise<Result> {
  const onnx = model.onnx();
  const { shapes } = model;
  const packs: Record<string, PackFile> = { f32: await packOf(onnx, `${name} f32`, () => ({ shapes, weights: "f32" })) };
  const { inputs } = packs.f32;
  packs.int8 = await packOf(onnx, `${name} int8`, async () => ({ ...model.options, shapes, calibration: await model.calibration(inputs) }));
  if (model.dynamic) packs["int8 dynamic"] = await packOf(onnx, `${name} int8 dynamic`, () => ({ ...model.options, shapes }));

  const feeds = inputs.map(({ name, dtype, shape }): Feed => {
    const data = Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => Math.sin(i));
    return { name, dtype, shape, data: dtype === "f32" ? data : Int32Array.from(data) };
  });
  const engines: Record<string, Engine> = {};
  const agreements: Record<string, number> = {};
  const refused: Record<string, string> = {};
  const answers: Record<string, ArrayLike<number>[]> = {};
  const ours: { dispose(): void }[] = [];
  for (const [form, { epk }] of Object.entries(packs)) {
    const engine = await edgepackEngine(epk, feeds);
    ours.push(engine);
    engines[form] = engine;
    answers[form] = await engine.read(engine.run());
  }
  const compare = async (title: string, form: string, engine: Engine): Promise<void> => {
    agreements[title] = agreement(`${name}: ${title}`, form, answers[form], await engine.read(await engine.run()));
    engines[title] = engine;
  };
  for (const [form, { exported }] of Object.entries(packs))
    await compare(`onnxruntime ${form}`, form, await onnxruntimeEngine(form === "f32" ? onnx : exported, feeds));
  const tfjs = await tfjsEngine(optimize(readOnnx(onnx, { shapes }).graph), feeds);
  if ("refused" in tfjs) refused["tfjs f32"] = tfjs.refused;
  else await compare("tfjs f32", "f32", tfjs);
  if (options.litert && model.twin)
    for (const [form, suffix] of [
      ["f32", "fp32"],
      ["int8", "int8"],
    ]) {
      const engine = await litertEngine(options.litert, `${model.twin}_${suffix}.tflite`, feeds[0]);
      if (engine) engines[`litert ${form}`] = engine;
    }

  const times = await measure(Object.fromEntries(Object.entries(engines).map(([title, { run }]) => [title, run])), PACE);
  for (const engine of ours) engine.dispose();
  return {
    net: name,
    macs: packs.f32.report.layers.reduce((sum, layer) => sum + layer.macs, 0),
    bytes: { onnx: onnx.length, ...Object.fromEntries(Object.entries(packs).map(([form, { epk }]) => [form, epk.length])) },
    memory: Object.fromEntries(Object.entries(packs).map(([form, { report }]) => [form, report.memory])),
    times,
    agreement: agreements,
    refused,
  };
}

const models = allModels();
const wanted = options.nets?.split(",") ?? Object.keys(models);
const unknown = wanted.filter((name) => !models[name]);
if (unknown.length > 0) throw new Error(`unknown nets ${unknown.join(", ")}; there are ${Object.keys(models).join(", ")}`);

mkdirSync(new URL("benchmarks/results/", ROOT), { recursive: true });
const results: Result[] = [];
for (const name of wanted) {
  results.push(await bench(name, models[name]));
  const { times } = results[results.length - 1];
  console.log(
    name.padEnd(16),
    Object.entries(times)
      .map(([engine, { ms, cpu = ms }]) => `${engine} ${cpu.toPrecision(3)}`)
      .join("   "),
    "ms",
  );
  const engines = {
    onnxruntime: peerVersion("tests/peers", "onnxruntime-web"),
    tfjs: peerVersion("benchmarks/peers", "@tensorflow/tfjs-core"),
    ...(options.litert && { litert: litertVersion(options.litert) }),
  };
  // After each net, so that what was measured is kept where a later one is stopped.
  writeFileSync(
    new URL(options.out, ROOT),
    `${JSON.stringify({ machine: { ...machine(ROOT), ...engines }, quick: options.quick, results }, null, 2)}\n`,
  );
}
