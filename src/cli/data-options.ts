import { type Command, Option } from "commander";
import { checkLabels, clean, countsOf, type Dataset, type Finding, namesOf, RESIZE_MODES, type ResizeMode } from "../data/index.ts";
import { EdgepackError } from "../errors.ts";
import { note, type Terminal } from "./terminal.ts";
import { integer, names, numberAbove, oneOf } from "./values.ts";

/** How data are read. */
export interface DataOptions {
  readonly resize?: ResizeMode;
  readonly crop?: number;
  readonly sampleRate?: number;
  readonly columns?: readonly string[];
  readonly labelColumn?: string;
  readonly skipBad?: boolean;
}

export function addDataOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--resize <mode>",
        "how images fit the input: stretch (default), cover (the middle, as for ImageNet), contain (all, between gray bars)",
      ).argParser(oneOf(...RESIZE_MODES)),
    )
    .addOption(
      new Option("--crop <part>", "with cover, how much of the shorter side is kept, as in 0.875 for 224 of 256").argParser(
        numberAbove(0, 1),
      ),
    )
    .addOption(
      new Option("--sample-rate <hz>", "rate that the model hears sound at; recordings are resampled").argParser(integer(1000, 768000)),
    )
    .addOption(
      new Option("--columns <list>", "columns of a table that make the input, in this order (default: all others)").argParser(names),
    )
    .option("--label-column <name>", "column of a table with the class (default: label, class, target or y)")
    .option("--skip-bad", "leave out bad items and duplicates, and say which; without, bad items are an error");
}

/** What of the options a reader takes. Throws USAGE where they contradict each other. */
export function readingOf({ resize, crop, sampleRate, columns, labelColumn, skipBad }: DataOptions) {
  if (crop !== undefined && resize !== "cover") throw new EdgepackError("USAGE", "--crop goes with --resize cover.");
  return { resize, crop, sampleRate, columns, labelColumn, skipBad };
}

/** The dataset fit for use: without its bad items where that was asked for, and they are named on stderr; else its labels are checked. */
export async function checkedData(
  terminal: Terminal,
  dataset: Dataset,
  { skipBad }: DataOptions,
  classes: number | undefined,
): Promise<Dataset> {
  if (!skipBad) {
    checkLabels(dataset, classes);
    return dataset;
  }
  const { dataset: good, findings } = await clean(dataset, classes);
  noteFindings(terminal, dataset, findings, true);
  return good;
}

/** Says on stderr what was found: each item that was left out; of those that were not, which are duplicates, their number. */
export function noteFindings(terminal: Terminal, { description }: Dataset, findings: readonly Finding[], leftOut: boolean): void {
  if (findings.length === 0) return;
  if (leftOut) note(terminal, [`${description}: left out ${countsOf(findings)}`, ...namesOf(findings).map((n) => `  - ${n}`)].join("\n"));
  else note(terminal, `${description}: ${countsOf(findings)}, used all the same; --skip-bad leaves them out`);
}
