import { type Command, Option } from "commander";
import { type Dataset, openDataset, readItems, sampleIndices } from "../../data/index.ts";
import { EdgepackError } from "../../errors.ts";
import type { Model, TypedArray } from "../../run/index.ts";
import { openModel } from "../model.ts";
import { addModelOptions, type ModelOptions, warnUnnormalized } from "../model-options.ts";
import { progressOn } from "../progress.ts";
import { digits, table } from "../table.ts";
import { colorsFor, print, printJson, type Terminal } from "../terminal.ts";
import { integer } from "../values.ts";
import { isVector } from "./run.ts";

interface Options extends ModelOptions {
  readonly data: string;
  readonly output?: string;
  readonly count?: number;
  readonly seed: number;
  readonly perClass?: boolean;
  readonly json?: boolean;
}

const EXAMPLE = `
Examples:
  $ edgepack eval model.epk --data validation/
  $ edgepack eval model.epk --data mnist/ --json
  $ edgepack eval model.onnx --data test.npz --count 1000`;

export function addEval(program: Command, terminal: Terminal): void {
  const command = program
    .command("eval")
    .summary("measure a classifier's accuracy on labelled data")
    .description("Runs a classifier over labelled data and prints how often it is right. Of data with two halves, it takes the test part.")
    .argument("<model>", "a pack (.epk), or an .onnx file, which is built in memory with f32 weights")
    .requiredOption("--data <path>", "labelled data: .npz, idx files, or a folder of images for each class")
    .option("--output <name>", "the output with one score for each class (default: the first)")
    .addOption(new Option("--count <n>", "take so many items, chosen by the seed (default: all)").argParser(integer(1, 2 ** 31 - 1)))
    .addOption(new Option("--seed <n>", "chooses the items").default(0).argParser(integer(0, 2 ** 32 - 1)))
    .option("--per-class", "print each class's accuracy too");
  addModelOptions(command)
    .option("--json", "print the result as JSON")
    .addHelpText("after", EXAMPLE)
    .action((model: string, options: Options) => evaluate(terminal, model, options));
}

/** How many classes score higher than the right one; of equals the first counts as higher. A right score that is NaN is last. */
function rankOf(scores: TypedArray, label: number): number {
  const own = scores[label];
  let rank = 0;
  for (let i = 0; i < scores.length; i++) if (i !== label && !(own > scores[i] || (own === scores[i] && label < i))) rank++;
  return rank;
}

/** Output that holds the scores, and labels that are classes of it. */
function checkFit(model: Model, dataset: Dataset, data: string, wanted: string | undefined) {
  const output = wanted === undefined ? model.outputs[0] : model.outputs.find(({ name }) => name === wanted);
  if (!output)
    throw new EdgepackError("USAGE", `--output ${wanted}: the model's outputs are ${model.outputs.map(({ name }) => name).join(", ")}`);
  if (!isVector(output.shape))
    throw new EdgepackError(
      "USAGE",
      `output ${output.name} is [${output.shape.join(",")}], not one score for each class; choose another with --output`,
    );
  if (!dataset.labels) throw new EdgepackError("DATA_INVALID", `${data}: it has no labels, so there is nothing to compare with`);
  const classes = Math.max(...output.shape);
  const outside = dataset.labels.find((label) => label >= classes);
  if (outside !== undefined)
    throw new EdgepackError("DATA_INVALID", `${data}: it has label ${outside}, and output ${output.name} has classes 0 to ${classes - 1}`);
  return { output: output.name, labels: dataset.labels, classes };
}

const percent = (part: number, whole: number) => Number(((100 * part) / whole).toFixed(2));

const PROGRESS_EVERY = 64;
const TOP5_FROM = 10;

async function evaluate(terminal: Terminal, path: string, options: Options): Promise<void> {
  const model = await openModel(terminal, path, options);
  const progress = progressOn(terminal);
  try {
    const dataset = await openDataset(options.data, { part: "test", inputs: model.inputs, labels: model.labels });
    warnUnnormalized(terminal, dataset, model.inputs);
    const { output, labels, classes } = checkFit(model, dataset, options.data, options.output);
    const indices = sampleIndices(dataset.count, options.count ?? dataset.count, options.seed);
    const times = new Float64Array(indices.length);
    const perClass = Array.from({ length: classes }, () => ({ count: 0, correct: 0 }));
    let done = 0;
    let inTop5 = 0;
    for await (const item of readItems(dataset, indices)) {
      const started = performance.now();
      const scores = model.run(item)[output];
      times[done] = performance.now() - started;
      const label = labels[indices[done]];
      const rank = rankOf(scores, label);
      perClass[label].count++;
      if (rank === 0) perClass[label].correct++;
      if (rank < 5) inTop5++;
      if (++done % PROGRESS_EVERY === 0) progress.update("evaluating", done, indices.length);
    }
    progress.stop();
    const correct = perClass.reduce((sum, c) => sum + c.correct, 0);
    const names = model.labels ?? dataset.classes;
    const result = {
      top1: percent(correct, done),
      ...(classes >= TOP5_FROM && { top5: percent(inTop5, done) }),
      count: done,
      correct,
      medianMs: Number(times.sort()[done >> 1].toPrecision(4)),
      ...(options.perClass && {
        classes: perClass.flatMap((c, i) =>
          c.count === 0 ? [] : [{ class: i, label: names?.[i], ...c, top1: percent(c.correct, c.count) }],
        ),
      }),
    };
    if (options.json) printJson(terminal, result);
    else printResult(terminal, result);
  } finally {
    progress.stop();
    model.dispose();
  }
}

interface Result {
  readonly top1: number;
  readonly top5?: number;
  readonly count: number;
  readonly correct: number;
  readonly medianMs: number;
  readonly classes?: readonly {
    readonly class: number;
    readonly label?: string;
    readonly count: number;
    readonly correct: number;
    readonly top1: number;
  }[];
}

function printResult(terminal: Terminal, { top1, top5, count, correct, medianMs, classes }: Result): void {
  print(terminal, `top-1  ${top1.toFixed(2)} %  (${correct} of ${count})`);
  if (top5 !== undefined) print(terminal, `top-5  ${top5.toFixed(2)} %`);
  print(terminal, `median ${digits(medianMs, 3)} ms an inference`);
  if (!classes) return;
  const rows = classes.map((c) => [c.class, c.label, c.count, `${c.top1.toFixed(2)} %`]);
  print(terminal, `\n${table(colorsFor(terminal, terminal.stdout), [">class", "label", ">items", ">top-1"], rows)}`);
}
