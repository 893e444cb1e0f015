import { type Command, Option } from "commander";
import { readHead } from "../../data/file.ts";
import { type Dataset, openDataset, sampleIndices, syntheticDataset } from "../../data/index.ts";
import { EdgepackError } from "../../errors.ts";
import { decibels, share } from "../../report/numbers.ts";
import { load, type Model } from "../../run/index.ts";
import { isPack, openPack } from "../model.ts";
import { addModelOptions, type ModelOptions, warnUnnormalized } from "../model-options.ts";
import { progressOn } from "../progress.ts";
import { type Answered, checkSamePorts, sideBySide } from "../side-by-side.ts";
import { bytes, type Cell, digits, table } from "../table.ts";
import { colorsFor, print, printJson, type Terminal } from "../terminal.ts";
import { integer } from "../values.ts";
import { inspectPack } from "./inspect-pack.ts";

interface Options extends ModelOptions {
  readonly data?: string;
  readonly count: number;
  readonly seed: number;
  readonly quick?: boolean;
  readonly json?: boolean;
}

/** Without data, inputs are made up, and few tell as much as many. */
const SYNTHETIC = 8;

const EXAMPLE = `
Examples:
  $ edgepack compare int8.epk w4.epk model.onnx --mean 0.286 --std 0.353 --data test.npz
  $ edgepack compare before.epk after.epk --json`;

export function addCompare(program: Command, terminal: Terminal): void {
  const command = program
    .command("compare")
    .summary("put packs and models side by side: bytes, memory, answers, time")
    .description(
      "Puts models side by side: bytes by part, memory, how far their answers are from the first one's, accuracy where data have labels, and time. An .onnx file is built in memory with f32 weights.",
    )
    .argument("<models...>", "packs (.epk) and .onnx files with the same inputs and outputs; two at least")
    .option("--data <path>", "what they are run on: of data with two halves, the test part (default: made-up inputs)")
    .addOption(new Option("--count <n>", "take so many items, chosen by the seed").default(1000).argParser(integer(1, 2 ** 31 - 1)))
    .addOption(new Option("--seed <n>", "chooses the items").default(0).argParser(integer(0, 2 ** 32 - 1)))
    .option("--quick", "measure times briefly");
  addModelOptions(command)
    .option("--json", "print as JSON")
    .addHelpText("after", EXAMPLE)
    .action((paths: string[], options: Options) => compareModels(terminal, paths, options));
}

interface Compared extends Answered {
  readonly path: string;
  readonly bytes: number;
  /** Bytes by part. */
  readonly sizes: { readonly weights: number; readonly plan: number; readonly meta: number; readonly other: number };
  readonly bitsPerWeight?: number;
  readonly memory: number;
}

interface Comparison {
  readonly data: string;
  readonly samples: number;
  readonly models: readonly Compared[];
}

async function compareModels(terminal: Terminal, paths: readonly string[], options: Options): Promise<void> {
  if (paths.length < 2) throw new EdgepackError("USAGE", "Name two models at least, as in edgepack compare a.epk b.epk.");
  // Options of models are for those that are built here; where none is, they are refused.
  const built = paths.map((path) => !isPack(readHead(path, 4)));
  const packs: Uint8Array[] = [];
  for (const [i, path] of paths.entries()) packs.push(await openPack(terminal, path, built[i] || !built.includes(true) ? options : {}));
  const models: Model[] = [];
  const progress = progressOn(terminal);
  try {
    for (const pack of packs) models.push(await load(pack));
    checkSamePorts(paths, models);
    const { data, indices } = await itemsOf(terminal, models[0], options);
    const pace = options.quick ? { warmMs: 300, rounds: 11, roundMs: 10 } : {};
    const answered = await sideBySide(models, data, { indices, pace, onProgress: progress.update });
    progress.stop();
    const result: Comparison = {
      data: data.description,
      samples: indices.length,
      models: paths.map((path, i) => ({ path, ...costOf(packs[i]), ...answered[i] })),
    };
    if (options.json) printJson(terminal, result);
    else printComparison(terminal, result);
  } finally {
    progress.stop();
    for (const model of models) model.dispose();
  }
}

async function itemsOf(terminal: Terminal, model: Model, options: Options): Promise<{ data: Dataset; indices: readonly number[] }> {
  const { seed, count } = options;
  if (options.data === undefined) {
    const made = Math.min(count, SYNTHETIC);
    return { data: syntheticDataset(model.inputs, made, seed), indices: Array.from({ length: made }, (_, i) => i) };
  }
  const data = await openDataset(options.data, { part: "test", inputs: model.inputs, labels: model.labels });
  warnUnnormalized(terminal, data, model.inputs);
  return { data, indices: sampleIndices(data.count, count, seed) };
}

function costOf(pack: Uint8Array): Omit<Compared, "path" | keyof Answered> {
  const { sizes, layers, memory } = inspectPack(pack);
  const { weights, plan, meta } = sizes;
  const stored = layers.filter((layer) => layer.weights > 0);
  const total = (of: "weights" | "bytes"): number => stored.reduce((sum, layer) => sum + layer[of], 0);
  return {
    bytes: pack.length,
    sizes: { weights, plan, meta, other: pack.length - weights - plan - meta },
    ...(stored.length > 0 && { bitsPerWeight: (8 * total("bytes")) / total("weights") }),
    memory: memory.total,
  };
}

function printComparison(terminal: Terminal, { data, samples, models }: Comparison): void {
  const colors = colorsFor(terminal, terminal.stdout);
  const [first] = models;
  const row = (title: string, of: (model: Compared) => Cell): Cell[] => [title, ...models.map(of)];
  const rows = [
    row(".epk", (m) => bytes(m.bytes)),
    row("  of the first", (m) => share(m.bytes, first.bytes)),
    ...(["weights", "plan", "meta", "other"] as const).map((part) => row(`  ${part}`, (m) => bytes(m.sizes[part]))),
    row("bits/weight", (m) => m.bitsPerWeight?.toFixed(2)),
    row("memory", (m) => bytes(m.memory)),
    row("same best class", (m) => m.agreement && share(m.agreement.top1, 1)),
    row("SQNR, dB", (m) => decibels(m.agreement?.sqnr)),
    ...(first.correct === undefined ? [] : [row("top-1", (m) => share(m.correct!, samples))]),
    row("ms", (m) => digits(m.ms, 3)),
    row("  of the first", (m) => share(m.cpu ?? m.ms, first.cpu ?? first.ms)),
  ];
  print(terminal, `${samples} inputs: ${data}\n`);
  print(terminal, table(colors, ["", ...models.map(({ path }) => `>${path}`)], rows));
}
