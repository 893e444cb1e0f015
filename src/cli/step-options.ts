/** Flags for the steps that people ask for most; what they cannot say, a configuration can. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { StepSpec } from "../compress/recipe.ts";
import { EdgepackError } from "../errors.ts";
import { integer, numberAbove, oneOf } from "./values.ts";

export interface StepOptions {
  readonly bits?: number;
  readonly codebook?: number;
  readonly equalize?: boolean;
  readonly prune?: number;
  readonly prunePattern?: "unstructured" | "blocks" | "channels";
  readonly keep?: readonly string[];
  readonly maxDrop?: number;
  readonly maxSize?: string;
  readonly maxMs?: number;
  readonly validation?: string;
}

export function addStepOptions(command: Command): Command {
  return command
    .addOption(new Option("--bits <n>", "bits of a weight, 2 to 8").argParser(integer(2, 8)))
    .addOption(new Option("--codebook <n>", "store weights as one of so many values of each layer, 2 to 128").argParser(integer(2, 128)))
    .option("--equalize", "move scale between layers first, so that channels use their grids alike")
    .addOption(new Option("--prune <share>", "remove this share of the weights first, 0 to 1").argParser(numberAbove(0, 1)))
    .addOption(
      new Option(
        "--prune-pattern <pattern>",
        "what goes together: unstructured, blocks that kernels skip, or channels (then the share is of multiply-accumulates)",
      ).argParser(oneOf("unstructured", "blocks", "channels")),
    )
    .option("--keep <layer>", "keep a layer in f32, by name, with * for any characters; repeatable", (name, before: string[] = []) => [
      ...before,
      name,
    ])
    .addOption(
      new Option(
        "--max-drop <points>",
        "search for the smallest pack that loses at most so many points of accuracy (agreement, without labels)",
      ).argParser(numberAbove(-1e-9, 100)),
    )
    .addOption(new Option("--max-size <bytes>", "search for the most accurate pack of at most this size, as in 200kB").argParser(size))
    .addOption(new Option("--max-ms <ms>", "allow an inference here so many milliseconds at most").argParser(numberAbove(0, 1e6)))
    .option("--validation <path>", "labelled examples on which a search keeps its budget; by default others of the calibration data");
}

function size(text: string): string {
  if (!/^\d+(\.\d+)?\s*(B|kB|MB|KiB|MiB)?$/.test(text)) throw new InvalidArgumentError("Write a number of bytes, or as in 200kB.");
  return text;
}

/** The recipe that the flags describe; undefined where there are none. With calibration data, biases are corrected at its end. */
export function stepsOf(options: StepOptions, quantize: object, calibrated: boolean): readonly StepSpec[] | undefined {
  const { bits, codebook, equalize, prune, prunePattern, keep = [], maxDrop, maxSize, maxMs } = options;
  const searched = [maxDrop, maxSize, maxMs].some((budget) => budget !== undefined);
  if (prunePattern && prune === undefined) throw new EdgepackError("USAGE", "--prune-pattern says what goes together; --prune how much");
  if (searched && (bits !== undefined || codebook !== undefined))
    throw new EdgepackError("USAGE", "--max-drop, --max-size and --max-ms choose the grids of weights: leave --bits and --codebook out");
  if (![bits, codebook, equalize, prune].some((flag) => flag !== undefined) && keep.length === 0 && !searched) return undefined;
  const layers = keep.map((match) => ({ match, keep: "f32" as const }));
  const share = prunePattern === "channels" ? { macs: prune! } : { share: prune! };
  return [
    ...(equalize ? [{ step: "equalize" as const }] : []),
    ...(prune === undefined ? [] : [{ step: "prune" as const, pattern: prunePattern ?? ("unstructured" as const), remove: share }]),
    searched
      ? { step: "search", maxDrop, maxSize: maxSize && (/^[\d.]+$/.test(maxSize) ? Number(maxSize) : maxSize), maxMs, layers, ...quantize }
      : { step: "quantize", weights: { bits, codebook }, layers, ...quantize },
    ...(calibrated ? [{ step: "correct-bias" as const }] : []),
  ];
}
