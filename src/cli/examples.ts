/** The examples that a build is given: calibration and validation, from one source or two. */
import { type AugmentOptions, augment, type Dataset, type InputSpec, openDataset, splitDataset } from "../data/index.ts";
import { EdgepackError } from "../errors.ts";
import { checkedData, type DataOptions, readingOf } from "./data-options.ts";
import { warnUnnormalized } from "./model-options.ts";
import type { Terminal } from "./terminal.ts";

/** What a split is into; the parts' names are those of `eval --part`. */
export const SPLIT_PARTS = ["train", "validation", "test"] as const;

export interface ExampleOptions extends DataOptions {
  readonly calibration?: string;
  readonly validation?: string;
  readonly split?: readonly number[];
  readonly augment?: AugmentOptions;
  readonly seed: number;
}

/** Opens what the options name. With a split, both come of the calibration data, and its test part is left alone. */
export async function openExamples(
  terminal: Terminal,
  options: ExampleOptions,
  inputs: readonly InputSpec[],
  labels: readonly string[] | undefined,
): Promise<{ calibration?: Dataset; validation?: Dataset }> {
  const { split, seed } = options;
  const reading = readingOf(options);
  const open = async (path: string) =>
    checkedData(terminal, await openDataset(path, { part: "train", inputs, labels, ...reading }), options, labels?.length);
  if (split && options.validation !== undefined)
    throw new EdgepackError("USAGE", "--split takes validation from the calibration data: leave it or --validation out.");
  if (options.calibration === undefined) {
    if (split || options.augment) throw new EdgepackError("USAGE", "A split and augmentation are of calibration data: give --calibration.");
    return options.validation === undefined ? {} : { validation: await open(options.validation) };
  }
  const given = await open(options.calibration);
  warnUnnormalized(terminal, given, inputs);
  const [calibration, validation] = split
    ? await splitDataset(given, split, seed)
    : [given, options.validation === undefined ? undefined : await open(options.validation)];
  if (calibration.count === 0)
    throw new EdgepackError("USAGE", "--split leaves no share for calibration: its first number must be above 0.");
  const judge = validation?.count === 0 ? undefined : validation;
  if (!options.augment) return { calibration, validation: judge };
  if (!judge)
    throw new EdgepackError(
      "CONFIG",
      "augment changes the calibration data, on which nothing can be judged then: give validation or split.",
    );
  return { calibration: augment(calibration, inputs, { seed, ...options.augment }), validation: judge };
}
