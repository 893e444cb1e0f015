import { type Command, Option } from "commander";
import { DEFAULT_CALIBRATION_COUNT } from "../compress/compress.ts";
import { OBSERVERS, type Observer } from "../compress/observers.ts";
import { integer, numberAbove, oneOf } from "./values.ts";

/** How the grids of activations are chosen. */
export interface CalibrationOptions {
  readonly calibration?: string;
  readonly calibrationCount: number;
  readonly seed: number;
  readonly observer: Observer["kind"];
  readonly percentile: number;
  readonly symmetric?: boolean;
}

export function addCalibrationOptions(command: Command): Command {
  const observers = Object.keys(OBSERVERS) as Observer["kind"][];
  const described = observers.map((kind) => `${kind} (${OBSERVERS[kind]})`).join(", ");
  return command
    .option(
      "--calibration <path>",
      "examples for static int8: .npy, .npz, idx, .csv, .jsonl, or a folder of images or recordings; without it int8 is dynamic",
    )
    .addOption(
      new Option("--calibration-count <n>", "how many examples to use").default(DEFAULT_CALIBRATION_COUNT).argParser(integer(1, 1e6)),
    )
    .addOption(new Option("--seed <n>", "chooses the examples").default(0).argParser(integer(0, 2 ** 32 - 1)))
    .addOption(
      new Option("--observer <kind>", `how the range of activations is chosen: ${described}`).default("mse").argParser(oneOf(...observers)),
    )
    .addOption(
      new Option("--percentile <p>", "how much of the values the percentile observer keeps").default(99.99).argParser(numberAbove(50, 100)),
    )
    .option("--symmetric", "grids of activations with a zero point of 0, as TensorRT wants them");
}

export function observerOf({ observer, percentile, symmetric = false }: CalibrationOptions): Observer {
  return observer === "percentile" ? { kind: "percentile", percentile, symmetric } : { kind: observer, symmetric };
}
