import { type Command, Option } from "commander";
import { openDataset } from "../../data/index.ts";
import { EdgepackError } from "../../errors.ts";
import { type TypedArray, topK } from "../../run/index.ts";
import { shapeOfCount } from "../../tensor/index.ts";
import { addDataOptions, type DataOptions, readingOf } from "../data-options.ts";
import { openModel } from "../model.ts";
import { addModelOptions, type ModelOptions, warnUnnormalized } from "../model-options.ts";
import { digits, table } from "../table.ts";
import { colorsFor, print, printJson, type Terminal } from "../terminal.ts";
import { integer } from "../values.ts";

interface Options extends ModelOptions, DataOptions {
  readonly top: number;
  readonly item: number;
  readonly json?: boolean;
}

const EXAMPLE = `
Examples:
  $ edgepack run model.epk photo.jpg
  $ edgepack run model.epk inputs.npz --json
  $ edgepack run model.onnx photo.png --mean 0.286 --std 0.353 --labels labels.txt`;

export function addRun(program: Command, terminal: Terminal): void {
  const command = program
    .command("run")
    .summary("run a model on one input")
    .description("Runs a model on one input and prints its outputs: the best classes of a vector of scores, or what the values are like.")
    .argument("<model>", "a pack (.epk), or an .onnx file, which is built in memory with f32 weights")
    .argument("<input>", "an image, a recording, a .npy array, an .npz with an array for each input, or a dataset")
    .addOption(new Option("--top <n>", "how many classes to print").default(5).argParser(integer(1, 1000)))
    .addOption(new Option("--item <i>", "which item of a dataset").default(0).argParser(integer(0, 2 ** 31 - 1)));
  addModelOptions(addDataOptions(command))
    .option("--json", "print all values as JSON")
    .addHelpText("after", EXAMPLE)
    .action((model: string, input: string, options: Options) => runModel(terminal, model, input, options));
}

async function runModel(terminal: Terminal, path: string, input: string, options: Options): Promise<void> {
  const model = await openModel(terminal, path, options);
  try {
    const dataset = await openDataset(input, { part: "test", inputs: model.inputs, labels: model.labels, ...readingOf(options) });
    warnUnnormalized(terminal, dataset, model.inputs);
    if (options.item >= dataset.count)
      throw new EdgepackError("USAGE", `--item ${options.item}: there are ${dataset.description}, counted from 0`);
    const outputs = model.run(await dataset.item(options.item));
    const best = (values: TypedArray) => topK(values, options.top, model.labels?.length === values.length ? model.labels : undefined);
    const shown = model.outputs.map(({ name, shape, bound, dtype }) => {
      const values = outputs[name];
      return { name, shape: shapeOfCount(shape, bound, values.length), dtype, values };
    });
    if (options.json) {
      printJson(terminal, {
        outputs: shown.map(({ values, ...port }) => ({
          ...port,
          values: Array.from(values),
          ...(isVector(port.shape) && { top: best(values) }),
        })),
      });
      return;
    }
    for (const { name, shape, dtype, values } of shown) {
      print(terminal, `${name}  ${dtype}[${shape.join(",")}]`);
      print(terminal, isVector(shape) ? scoresTable(terminal, best(values)) : summary(values));
    }
  } finally {
    model.dispose();
  }
}

/** Whether a shape is one score for each of several classes. */
export function isVector(shape: readonly number[]): boolean {
  return shape.filter((d) => d !== 1).length === 1;
}

function scoresTable(terminal: Terminal, scores: ReturnType<typeof topK>): string {
  const colors = colorsFor(terminal, terminal.stdout);
  const rows = scores.map(({ index, label, score }) => [index, ...(label === undefined ? [] : [label]), digits(score, 6)]);
  return table(colors, rows[0]?.length === 3 ? [">class", "label", ">score"] : [">class", ">score"], rows);
}

const FIRST = 8;

function summary(values: TypedArray): string {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of values) [least, most] = [Math.min(least, v), Math.max(most, v)];
  const first = Array.from(values.subarray(0, FIRST), (v) => digits(v, 6)).join(", ");
  return `min ${digits(least, 6)}, max ${digits(most, 6)}, values ${first}${values.length > FIRST ? ", …" : ""}`;
}
