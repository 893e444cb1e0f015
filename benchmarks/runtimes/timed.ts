/**
 * Runs inside Node and Deno: times every net of a folder's nets.json, edgepack beside what peers the engine runs, and prints JSON. Arguments: the folder, the
 * path of onnxruntime-web or "", the folder of LiteRT or "", the options of `measure`.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { measure, type Timing } from "../../src/cli/measure.ts";
import { load } from "../../src/run/index.ts";

/** A row of nets.json; its files are `<net>.f32.epk`, `<net>.int8.epk`, and `<net>.f32.onnx`, `<net>.int8.onnx` of the same. */
export interface TimedNet {
  readonly net: string;
  readonly input: string;
  readonly shape: readonly number[];
  readonly twin?: string;
}

const [folder, onnxruntime, litert, pace] = process.argv.slice(2);
const nets: TimedNet[] = JSON.parse(await readFile(join(folder, "nets.json"), "utf8"));
const wasm = { simd: await readFile(join(folder, "simd.wasm")), scalar: new Uint8Array() };
const relaxed = { ...wasm, relaxed: await readFile(join(folder, "relaxed.wasm")) };
const refused: Record<string, string> = {};

/** A contender, unless this engine cannot run it, which is noted. */
async function attempt(name: string, make: () => Promise<() => unknown>): Promise<Record<string, () => unknown>> {
  if (refused[name]) return {};
  try {
    const run = await make();
    await run();
    return { [name]: run };
  } catch (error) {
    refused[name] = String(error).split("\n")[0];
    return {};
  }
}

const ours = (file: string, input: string, x: Float32Array, builds: Parameters<typeof load>[1]) => async () => {
  const model = await load(await readFile(join(folder, file)), builds);
  return () => model.run({ [input]: x });
};

const results: { net: string; times: Record<string, Timing> }[] = [];
for (const { net, input, shape, twin } of nets) {
  const x = Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => Math.sin(i));
  const contenders = {
    ...(await attempt("f32", ours(`${net}.f32.epk`, input, x, { wasm }))),
    ...(await attempt("f32 relaxed", ours(`${net}.f32.epk`, input, x, { wasm: relaxed }))),
    ...(await attempt("int8", ours(`${net}.int8.epk`, input, x, { wasm }))),
  };
  for (const form of onnxruntime ? ["f32", "int8"] : [])
    Object.assign(
      contenders,
      await attempt(`onnxruntime ${form}`, async () => {
        const ort = await import(pathToFileURL(onnxruntime).href);
        ort.env.wasm.numThreads = 1;
        ort.env.logLevel = "fatal";
        const session = await ort.InferenceSession.create(new Uint8Array(await readFile(join(folder, `${net}.${form}.onnx`))));
        return () => session.run({ [input]: new ort.Tensor("float32", x, shape) });
      }),
    );
  for (const [form, suffix] of litert && twin
    ? [
        ["f32", "fp32"],
        ["int8", "int8"],
      ]
    : []) {
    const path = join(litert, `${twin}_${suffix}.tflite`);
    if (!existsSync(path)) continue;
    Object.assign(
      contenders,
      await attempt(`litert ${form}`, async () => {
        const module = await import(pathToFileURL(join(litert, "litert.mjs")).href);
        const run = await module.litert(litert, await readFile(path));
        const [n, c, h, w] = shape;
        return () => run(x, shape.length === 4 ? [n, h, w, c] : shape);
      }),
    );
  }
  results.push({ net, times: await measure(contenders, JSON.parse(pace)) });
}
console.log(`\n${JSON.stringify({ results, refused })}`);
process.exit(0);
