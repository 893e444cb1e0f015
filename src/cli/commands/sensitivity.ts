import { type Command, Option } from "commander";
import { type Scan, type ScanMethod, scanLayers } from "../../compress/layer-scan.ts";
import { partsOf } from "../../compress/parts.ts";
import { readBytes } from "../../data/file.ts";
import { openDataset } from "../../data/index.ts";
import { EdgepackError } from "../../errors.ts";
import { readOnnx } from "../../onnx/index.ts";
import { optimize } from "../../passes/index.ts";
import { isQuantized } from "../../passes/integer-islands.ts";
import { decibels } from "../../report/numbers.ts";
import { onnxInputs } from "../model.ts";
import { addModelOptions, externalDataOf, type ModelOptions, preprocessOf, warnUnnormalized, withPreprocess } from "../model-options.ts";
import { progressOn } from "../progress.ts";
import { count, digits, table } from "../table.ts";
import { colorsFor, print, printJson, type Terminal } from "../terminal.ts";
import { integer, numberAbove, oneOf } from "../values.ts";

interface Options extends ModelOptions {
  readonly calibration: string;
  readonly calibrationCount: number;
  readonly count: number;
  readonly seed: number;
  readonly by: ScanMethod;
  readonly from?: number;
  readonly to?: number;
  readonly steps?: number;
  readonly json?: boolean;
}

/** Where a scan begins and ends, and in how many steps, unless told otherwise. */
const RANGES = { prune: { from: 0.3, to: 0.7, steps: 5 }, bits: { from: 8, to: 2, steps: 7 } } as const;

const EXAMPLE = `
Examples:
  $ edgepack sensitivity model.onnx --calibration data.npz
  $ edgepack sensitivity model.onnx --calibration photos/ --from 0.5 --to 0.95 --steps 10
  $ edgepack sensitivity model.onnx --calibration mnist/ --by bits --json`;

export function addSensitivity(program: Command, terminal: Terminal): void {
  const command = program
    .command("sensitivity")
    .summary("measure what each layer by itself costs when it is pruned, or put on fewer bits")
    .description(
      "Prunes each layer by itself to rising shares, or puts it on fewer and fewer bits, refits what stays, and measures the model's outputs. Marks the level behind which they fall faster (the knee).",
    )
    .argument("<model.onnx>", "the model, in f32")
    .requiredOption("--calibration <path>", "examples; those that refitting leaves are measured on, with their labels where they have any")
    .addOption(new Option("--calibration-count <n>", "examples to refit by").default(256).argParser(integer(1, 1e6)))
    .addOption(
      new Option("--count <n>", "examples to measure on, at most: fewer where it would take too long")
        .default(256)
        .argParser(integer(1, 1e6)),
    )
    .addOption(new Option("--seed <n>", "chooses the examples").default(0).argParser(integer(0, 2 ** 32 - 1)))
    .addOption(new Option("--by <method>", "prune, or bits").default("prune").argParser(oneOf("prune", "bits")))
    .addOption(new Option("--from <level>", "share removed, or bits, at first (default: 0.3, or 8 bits)").argParser(numberAbove(0, 8)))
    .addOption(new Option("--to <level>", "and at last (default: 0.7, or 2 bits)").argParser(numberAbove(0, 8)))
    .addOption(new Option("--steps <n>", "levels to measure (default: 5, or each number of bits)").argParser(integer(2, 50)));
  addModelOptions(command)
    .option("--json", "print as JSON")
    .addHelpText("after", EXAMPLE)
    .action((path: string, options: Options) => scanModel(terminal, path, options));
}

/** The levels that were asked for, from mild to hard. */
export function levelsOf({ by, from, to, steps }: Pick<Options, "by" | "from" | "to" | "steps">): number[] {
  const range = RANGES[by];
  const [first, last] = [from ?? range.from, to ?? range.to];
  const problems = by === "prune" ? sharesProblem(first, last) : bitsProblem(first, last, steps);
  if (problems) throw new EdgepackError("USAGE", problems);
  const n = by === "bits" ? first - last + 1 : (steps ?? range.steps);
  return Array.from({ length: n }, (_, i) => Number((first + (i * (last - first)) / (n - 1)).toFixed(4)));
}

const sharesProblem = (from: number, to: number): string | undefined =>
  from < to && to < 1 ? undefined : `--from ${from} --to ${to}: shares rise, and stay below 1, as in --from 0.3 --to 0.7`;

function bitsProblem(from: number, to: number, steps: number | undefined): string | undefined {
  if (steps !== undefined) return "--steps is for --by prune: of bits, each number is measured";
  const whole = Number.isInteger(from) && Number.isInteger(to);
  return whole && from > to && to >= 2 ? undefined : `--from ${from} --to ${to}: bits are whole and fall, as in --from 8 --to 2`;
}

async function scanModel(terminal: Terminal, path: string, options: Options): Promise<void> {
  const levels = levelsOf(options);
  const onnx = readBytes(path);
  const given = { shapes: options.shape, fixed: options.fix, external: externalDataOf(path) };
  const inputs = onnxInputs(onnx, given);
  const preprocess = preprocessOf(options, inputs);
  const specs = withPreprocess(inputs, preprocess);
  const graph = optimize(readOnnx(onnx, given).graph);
  if (isQuantized(graph)) throw new EdgepackError("CONFIG", `${path} is quantized already: give the f32 model`);
  const calibration = await openDataset(options.calibration, { part: "train", inputs: specs });
  warnUnnormalized(terminal, calibration, specs);
  const progress = progressOn(terminal);
  const scan = await partsOf({ ...options, calibration, validation: undefined, validationCount: options.count })
    .then((parts) => scanLayers(graph, { by: options.by, levels, ...parts, preprocess, onProgress: progress.update }))
    .finally(progress.stop);
  if (options.json) printJson(terminal, scan);
  else printScan(terminal, scan, levels);
}

/** A level as people write it. */
const named = (by: ScanMethod, level: number): string => (by === "prune" ? `${digits(100 * level, 3)} %` : `${level} bit`);

function printScan(terminal: Terminal, { by, samples, reference, layers }: Scan, levels: readonly number[]): void {
  const colors = colorsFor(terminal, terminal.stdout);
  const headings = ["layer", ">weights", ...levels.map((level) => `>${named(by, level)}`), ">knee"];
  print(terminal, `${colors.bold("SQNR of the outputs, dB")}, on ${samples} inputs\n`);
  const rows = layers.map(({ layer, weights, points, knee }) => [
    layer,
    count(weights),
    ...points.map(({ level, sqnr }) => (level === knee ? colors.bold(decibels(sqnr)) : decibels(sqnr))),
    knee === undefined ? "" : named(by, knee),
  ]);
  print(terminal, table(colors, headings, rows));
  if (reference.correct === undefined) return;
  print(terminal, `\n${colors.bold("Accuracy, %")}, ${((100 * reference.correct) / samples).toFixed(1)} before\n`);
  const accuracy = layers.map(({ layer, weights, points }) => [
    layer,
    count(weights),
    ...points.map(({ correct = 0 }) => ((100 * correct) / samples).toFixed(1)),
  ]);
  print(terminal, table(colors, headings.slice(0, -1), accuracy));
}
