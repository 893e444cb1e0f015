import { type Command, Option } from "commander";
import { checkLabels, type Dataset, examine, FAULTS, type Finding, openDataset, sampleIndices, splitDataset } from "../../data/index.ts";
import { EdgepackError } from "../../errors.ts";
import type { Model, TypedArray } from "../../run/index.ts";
import { addDataOptions, checkedData, type DataOptions, noteFindings, readingOf } from "../data-options.ts";
import { SPLIT_PARTS } from "../examples.ts";
import { openModel } from "../model.ts";
import { addModelOptions, type ModelOptions, warnUnnormalized } from "../model-options.ts";
import { progressOn } from "../progress.ts";
import { digits, table } from "../table.ts";
import { colorsFor, print, printJson, type Terminal } from "../terminal.ts";
import { integer, oneOf, shares } from "../values.ts";
import { isVector } from "./run.ts";

interface Options extends ModelOptions, DataOptions {
  readonly data: string;
  readonly output?: string;
  readonly count?: number;
  readonly seed: number;
  readonly split?: readonly number[];
  readonly part?: (typeof SPLIT_PARTS)[number];
  readonly perClass?: boolean;
  readonly json?: boolean;
}

const EXAMPLE = `
Examples:
  $ edgepack eval model.epk --data validation/
  $ edgepack eval model.epk --data mnist/ --json
  $ edgepack eval model.onnx --data test.npz --count 1000
  $ edgepack eval model.epk --data photos/ --split 0.8,0.1,0.1 --part test --resize cover`;

export function addEval(program: Command, terminal: Terminal): void {
  const command = program
    .command("eval")
    .summary("measure a classifier's accuracy on labelled data")
    .description("Runs a classifier over labelled data and prints how often it is right. Of data with two halves, it takes the test part.")
    .argument("<model>", "a pack (.epk), or an .onnx file, which is built in memory with f32 weights")
    .requiredOption(
      "--data <path>",
      "labelled data: .npz, idx files, a .csv or .jsonl table, or a folder of images or recordings for each class",
    )
    .option("--output <name>", "the output with one score for each class (default: the first)")
    .addOption(new Option("--count <n>", "take so many items, chosen by the seed (default: all)").argParser(integer(1, 2 ** 31 - 1)))
    .addOption(new Option("--seed <n>", "chooses the items, and the split").default(0).argParser(integer(0, 2 ** 32 - 1)))
    .addOption(
      new Option("--split <shares>", "split the data (of halves, the training one) into train, validation and test, by the seed").argParser(
        shares,
      ),
    )
    .addOption(new Option("--part <name>", "which part to take: train, validation or test (default)").argParser(oneOf(...SPLIT_PARTS)))
    .option("--per-class", "print each class's accuracy too");
  addModelOptions(addDataOptions(command))
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
  return { output: output.name, labels: dataset.labels, classes };
}

/** The data, or the part of them that was asked for. A split is the same as the one of `build` with the same shares and seed. */
async function openPart(terminal: Terminal, model: Model, options: Options): Promise<Dataset> {
  const { split, part = "test", seed } = options;
  const { inputs, labels } = model;
  const open = (half: "train" | "test") => openDataset(options.data, { part: half, inputs, labels, ...readingOf(options) });
  if (split) {
    const whole = await checkedData(terminal, await open("train"), options, labels?.length);
    return (await splitDataset(whole, split, seed))[SPLIT_PARTS.indexOf(part)];
  }
  if (part === "validation") throw new EdgepackError("USAGE", "--part validation is a part of a --split: give its shares.");
  return open(part);
}

const percent = (part: number, whole: number) => Number(((100 * part) / whole).toFixed(2));

const PROGRESS_EVERY = 64;
const TOP5_FROM = 10;

async function evaluate(terminal: Terminal, path: string, options: Options): Promise<void> {
  const model = await openModel(terminal, path, options);
  const progress = progressOn(terminal);
  try {
    const dataset = await openPart(terminal, model, options);
    warnUnnormalized(terminal, dataset, model.inputs);
    const { output, labels, classes } = checkFit(model, dataset, options.data, options.output);
    if (!options.skipBad) checkLabels(dataset, classes);
    const indices = sampleIndices(dataset.count, options.count ?? dataset.count, options.seed);
    const times = new Float64Array(indices.length);
    const perClass = Array.from({ length: classes }, () => ({ count: 0, correct: 0 }));
    let done = 0;
    let inTop5 = 0;
    const findings: Finding[] = [];
    const judging = { classes, skipBad: options.skipBad, onFinding: (finding: Finding) => findings.push(finding) };
    for await (const { index, item } of examine(dataset, indices, judging)) {
      const started = performance.now();
      const scores = model.run(item)[output];
      times[done] = performance.now() - started;
      const label = labels[index];
      const rank = rankOf(scores, label);
      perClass[label].count++;
      if (rank === 0) perClass[label].correct++;
      if (rank < 5) inTop5++;
      if (++done % PROGRESS_EVERY === 0) progress.update("evaluating", done, indices.length);
    }
    progress.stop();
    noteFindings(terminal, dataset, findings, options.skipBad === true);
    if (done === 0) throw new EdgepackError("DATA_INVALID", `${options.data}: no item is good, so there is nothing to judge by`);
    const correct = perClass.reduce((sum, c) => sum + c.correct, 0);
    const names = model.labels ?? dataset.classes;
    const result = {
      top1: percent(correct, done),
      ...(classes >= TOP5_FROM && { top5: percent(inTop5, done) }),
      count: done,
      correct,
      medianMs: Number(times.subarray(0, done).sort()[done >> 1].toPrecision(4)),
      ...(findings.length > 0 && {
        found: Object.fromEntries(FAULTS.map((fault) => [fault, findings.filter((f) => f.fault === fault).length])),
      }),
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
