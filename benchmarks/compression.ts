/**
 * What compression without training costs: the Fashion-MNIST models by recipe, with top-1 on all 10,000 test images. Calibration, search and selection see
 * training images alone. `npm run bench:compression` (`-- --models lenet5,vit`, `-- --peer` also counts the images on which onnxruntime-web answers the
 * Q/DQ export as the pack does).
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type BuildResult, build } from "../src/build.ts";
import { argmax } from "../src/compress/compare.ts";
import type { StepSpec } from "../src/compress/recipe.ts";
import { type Dataset, openDataset } from "../src/data/index.ts";
import { EdgepackError } from "../src/errors.ts";
import { exportOnnx } from "../src/export.ts";
import { load } from "../src/run/index.ts";
import { onnxruntimeEngine } from "./engines/onnxruntime.ts";
import { DATA, MODELS, PREPROCESS, ROOT } from "./fashion-mnist.ts";
import { machine } from "./measure.ts";

const bits = (n: number): readonly StepSpec[] => [{ step: "quantize", weights: { bits: n } }];
const channels = (share: number): readonly StepSpec[] => [
  { step: "prune", pattern: "channels", remove: { macs: share } },
  { step: "quantize" },
  { step: "correct-bias" },
];

const smaller = (times: number) => (onnx: number) => [
  { step: "search", maxSize: onnx / times } as const,
  { step: "correct-bias" } as const,
];

/** A recipe, or what it is for an ONNX file of so many bytes. */
const RECIPES: Readonly<Record<string, readonly StepSpec[] | ((onnx: number) => readonly StepSpec[])>> = {
  int8: [{ step: "quantize" }, { step: "correct-bias" }],
  "int8, biases not corrected": [{ step: "quantize" }],
  "int8, 8 bits": bits(8),
  "8 bits to nearest": [{ step: "quantize", weights: { bits: 8, rounding: "nearest" } }],
  "int8, equalized": [{ step: "equalize" }, { step: "quantize" }],
  W4A8: bits(4),
  "W4A8 to nearest": [{ step: "quantize", weights: { bits: 4, rounding: "nearest" } }],
  "W4A8, biases corrected": [...bits(4), { step: "correct-bias" }],
  W3A8: bits(3),
  W2A8: bits(2),
  "codebook of 16": [{ step: "quantize", weights: { codebook: 16 } }],
  "search, 0.3 points": [{ step: "search", maxDrop: 0.3 }, { step: "correct-bias" }],
  "search, 0.5 points": [{ step: "search", maxDrop: 0.5 }, { step: "correct-bias" }],
  "search, 1 point": [{ step: "search", maxDrop: 1 }, { step: "correct-bias" }],
  "8 times smaller": smaller(8),
  "12 times smaller": smaller(12),
  "20 times smaller": smaller(20),
  "25 times smaller": smaller(25),
  "half of the weights, int8": [{ step: "prune", remove: { share: 0.5 } }, { step: "quantize" }],
  "half of the blocks, int8": [{ step: "prune", pattern: "blocks", remove: { share: 0.5 } }, { step: "quantize" }],
  "30 % of the MACs, int8": channels(0.3),
  "half of the MACs, int8": channels(0.5),
};

const { values: options } = parseArgs({
  options: { models: { type: "string" }, recipes: { type: "string" }, peer: { type: "boolean" }, out: { type: "string" } },
});

async function answersOf({ epk }: BuildResult, test: Dataset): Promise<number[]> {
  const model = await load(epk);
  const answers: number[] = [];
  for (let i = 0; i < test.count; i++) answers.push(argmax(Object.values(model.run(await test.item(i)))[0]));
  model.dispose();
  return answers;
}

/** Test images on which onnxruntime-web, given the Q/DQ export, answers as the pack. */
async function agreementOf({ graph, meta }: BuildResult, test: Dataset, answers: readonly number[]): Promise<number> {
  const [{ name, shape }] = meta.inputs;
  const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
  const engine = await onnxruntimeEngine(exportOnnx(graph), [{ name, dtype: "f32", shape, data }]);
  let same = 0;
  for (let i = 0; i < test.count; i++) {
    data.set(Float32Array.from((await test.item(i))[name], (v) => (v / 255 - PREPROCESS.mean[0]) / PREPROCESS.std[0]));
    const [scores] = await engine.read(await engine.run());
    if (argmax(scores) === answers[i]) same++;
  }
  return same;
}

const wanted = options.models?.split(",") ?? Object.keys(MODELS);
const recipes = options.recipes?.split(";") ?? Object.keys(RECIPES);
const out = new URL(options.out ?? "benchmarks/results/compression.json", ROOT);
const before = existsSync(out) ? JSON.parse(readFileSync(out, "utf8")).results : [];
const results = new Map<string, object>(before.map((row: { model: string; recipe: string }) => [`${row.model} ${row.recipe}`, row]));
for (const model of wanted) {
  const onnx = readFileSync(new URL(MODELS[model], ROOT));
  const float = await build(onnx, { weights: "f32", preprocess: PREPROCESS });
  const { inputs } = float.meta;
  const calibration = await openDataset(DATA, { part: "train", inputs });
  const test = await openDataset(DATA, { part: "test", inputs });
  const correct = (answers: readonly number[]): number => answers.filter((answer, i) => answer === test.labels![i]).length;
  const f32 = correct(await answersOf(float, test));
  for (const recipe of recipes) {
    const steps = typeof RECIPES[recipe] === "function" ? RECIPES[recipe](onnx.length) : RECIPES[recipe];
    const start = performance.now();
    const result = await build(onnx, { preprocess: PREPROCESS, calibration, steps }).catch((error) => {
      if (error instanceof EdgepackError && error.code === "BUDGET") return undefined;
      throw error;
    });
    if (!result) {
      console.log(model.padEnd(9), recipe.padEnd(26), "no pack is that small");
      continue;
    }
    const seconds = (performance.now() - start) / 1000;
    const answers = await answersOf(result, test);
    const row = {
      model,
      recipe,
      onnx: onnx.length,
      epk: result.epk.length,
      f32,
      correct: correct(answers),
      count: test.count,
      macs: result.report.layers.reduce((sum, { macs }) => sum + macs, 0),
      seconds: Math.round(10 * seconds) / 10,
      ...(options.peer && { sameInOnnxruntime: await agreementOf(result, test, answers) }),
    };
    results.set(`${model} ${recipe}`, row);
    console.log(
      model.padEnd(9),
      recipe.padEnd(26),
      `${row.epk} bytes, ${(row.onnx / row.epk).toFixed(1)}×, ${row.correct} of ${row.count} (${((row.correct - f32) / 100).toFixed(2)} points), ${row.seconds} s`,
      options.peer ? `${row.sameInOnnxruntime} as in onnxruntime` : "",
    );
    writeFileSync(out, `${JSON.stringify({ machine: machine(ROOT), results: [...results.values()] }, null, 2)}\n`);
  }
}
