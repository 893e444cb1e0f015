import { basename } from "node:path";
import { type Command, Option } from "commander";
import { build } from "../../build.ts";
import { encodeMask } from "../../compress/prune/index.ts";
import { readBytes } from "../../data/file.ts";
import type { AugmentOptions } from "../../data/index.ts";
import { EdgepackError } from "../../errors.ts";
import { CODINGS, type Coding } from "../../format/image.ts";
import { reportWriter } from "../../report/file.ts";
import {
  checkLimits,
  type LimitRow,
  type ShippedFile,
  shippedRuntime,
  TARGETS,
  type TargetName,
  usageOf,
  writeTarget,
} from "../../targets/index.ts";
import { addCalibrationOptions, type CalibrationOptions, observerOf } from "../calibration-options.ts";
import { CONFIG_NAMES, type Config, configHere, readConfig } from "../config.ts";
import { addDataOptions, type DataOptions } from "../data-options.ts";
import { openExamples } from "../examples.ts";
import { isPack, onnxInputs } from "../model.ts";
import { addModelOptions, externalDataOf, type ModelOptions, preprocessOf, readLabels, withPreprocess } from "../model-options.ts";
import { progressOn } from "../progress.ts";
import { printReport } from "../report.ts";
import { addStepOptions, type StepOptions, stepsOf } from "../step-options.ts";
import { bytes } from "../table.ts";
import { note, printJson, type Terminal, warn } from "../terminal.ts";
import { oneOf, shares } from "../values.ts";
import { checkFile, checkFolder, writeFile, writeFolder } from "../write.ts";

interface Options extends ModelOptions, CalibrationOptions, StepOptions, DataOptions {
  readonly config?: string;
  readonly resume?: string;
  readonly report?: string;
  readonly saveMask?: string;
  readonly validationCount?: number;
  readonly split?: readonly number[];
  readonly augment?: AugmentOptions;
  readonly out?: string;
  readonly target?: TargetName;
  readonly weights: "int8" | "f32";
  readonly coding: Coding;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** What earlier builds wrote may be overwritten: our page or JSON, and archives of arrays. */
const isReport = (head: Uint8Array): boolean => /^\s*(<!doctype html>|\{)/.test(new TextDecoder().decode(head));
const isZip = ([first, second]: Uint8Array): boolean => first === 0x50 && second === 0x4b;

/** Seconds that are worth a word before. */
const LONG = 10;

const EXAMPLE = `
Examples:
  $ edgepack build model.onnx
  $ edgepack build model.onnx --calibration photos/ --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  $ edgepack build model.onnx --calibration data.npz --target cloudflare -o worker
  $ edgepack build model.onnx --calibration data.npz --max-drop 0.5 --report report.html
  $ edgepack build --config edgepack.config.json`;

export function addBuild(program: Command, terminal: Terminal): void {
  const targets = Object.keys(TARGETS) as TargetName[];
  const command = program
    .command("build")
    .summary("turn an ONNX model into a pack, or into a folder for a target")
    .description("Turns an ONNX model into a pack (.epk) or, with --target, into a folder that runs at once. Ends with a report.")
    .argument("[model.onnx]", "the model; a configuration can name it")
    .option("--config <file>", `options and recipe from a file (default: ${CONFIG_NAMES.at(-1)} or .ts here, where no model is given)`)
    .option("-o, --out <path>", "where to write (default: the model's name with .epk, or with the target's name)")
    .addOption(new Option("--target <place>", `write a folder for ${targets.join(", ")}`).argParser(oneOf(...targets)))
    .addOption(new Option("--weights <type>", "store weights as int8 or f32").default("int8").argParser(oneOf("int8", "f32")))
    .addOption(
      new Option("--coding <effort>", "fast to load, balanced, or the smallest file").default("balanced").argParser(oneOf(...CODINGS)),
    );
  addModelOptions(addDataOptions(addStepOptions(addCalibrationOptions(command))))
    .addOption(
      new Option(
        "--split <shares>",
        "split the calibration data into train, validation and test, by the seed, as in 0.8,0.1,0.1",
      ).argParser(shares),
    )
    .option("--resume <folder>", "where a run that was killed finds what it had reached")
    .option("--report <file>", "write a full report too: an .html page to be read, or .json")
    .option("--save-mask <file>", "write which weights were removed, as an .npz that the mask step and numpy read")
    .option("--force", "overwrite what edgepack did not write")
    .option("--json", "print the report as JSON")
    .addHelpText("after", EXAMPLE)
    .action(async (path: string | undefined, flags: Options, command: Command) => {
      const file = flags.config ?? (path === undefined ? configHere() : undefined);
      const { model, steps, ...options } = merged(flags, file === undefined ? {} : await readConfig(file), command);
      const onnx = path ?? model;
      if (onnx === undefined)
        throw new EdgepackError("USAGE", `Name the model, as in edgepack build model.onnx${file ? `, or in ${file}` : ""}.`);
      await buildModel(terminal, onnx, options, steps);
    });
}

/** Flags that were given go before the configuration, the configuration before defaults. */
function merged(flags: Options, config: Config, command: Command): Options & Pick<Config, "model" | "steps"> {
  const given = Object.fromEntries(Object.entries(flags).filter(([name]) => command.getOptionValueSource(name) === "cli"));
  return { ...flags, ...config, ...given };
}

async function buildModel(terminal: Terminal, path: string, options: Options, recipe: Config["steps"]): Promise<void> {
  const observer = observerOf(options);
  const flagged = stepsOf(options, { observer }, options.calibration !== undefined);
  if (recipe && flagged) throw new EdgepackError("USAGE", "The configuration has steps, and flags ask for others: leave one out.");
  const steps = recipe ?? flagged;
  if (steps && options.weights === "f32")
    throw new EdgepackError("USAGE", "--weights f32 stores the model as it is: leave it or the steps out.");
  const name = basename(path).replace(/\.onnx$/i, "");
  const out = options.out ?? (options.target ? `${name}-${options.target}` : `${name}.epk`);
  const force = options.force === true;
  if (options.target) checkFolder(out, force);
  else checkFile(out, force, isPack);
  const writeReport = options.report === undefined ? undefined : reportWriter(options.report);
  if (options.report !== undefined) checkFile(options.report, force, isReport, "a report");
  if (options.saveMask !== undefined) checkFile(options.saveMask, force, isZip, "a mask");

  const onnx = readBytes(path);
  const external = externalDataOf(path);
  const labels = options.labels === undefined ? undefined : readLabels(options.labels);
  const inputs = onnxInputs(onnx, { shapes: options.shape, fixed: options.fix, external });
  const preprocess = preprocessOf(options, inputs);
  const specs = withPreprocess(inputs, preprocess);
  const { calibration, validation } = await openExamples(terminal, options, specs, labels);
  if (calibration && options.weights === "f32") warn(terminal, "--calibration has no effect with --weights f32");

  const progress = progressOn(terminal);
  const { epk, meta, report, evidence, mask } = await build(onnx, {
    name,
    shapes: options.shape,
    fixed: options.fix,
    external,
    ...(steps ? { steps } : { weights: options.weights, observer }),
    coding: options.coding,
    calibration,
    calibrationCount: options.calibrationCount,
    validation,
    validationCount: options.validationCount,
    seed: options.seed,
    resume: options.resume,
    onEstimate: ({ seconds, bytes: size }) => {
      if (seconds > LONG)
        note(
          terminal,
          `this will take about ${seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`} and ${bytes(size)} of memory`,
        );
    },
    preprocess,
    labels,
    evidence: writeReport !== undefined,
    onProgress: progress.update,
  }).finally(progress.stop);

  let limits: LimitRow[] | undefined;
  let runtime: ShippedFile[] | undefined;
  if (options.target) {
    const files = await writeTarget(options.target, { epk, meta, modelName: name });
    await writeFolder(out, files, { target: options.target });
    limits = checkLimits(options.target, usageOf(files, meta.memory));
    runtime = shippedRuntime(files);
  } else await writeFile(out, epk);
  if (writeReport && evidence) await writeFile(options.report!, writeReport({ ...report, evidence }));
  if (options.saveMask !== undefined) {
    if (mask.size === 0) warn(terminal, "no step removed weights one by one, so there is no mask to save");
    else await writeFile(options.saveMask, encodeMask(mask));
  }
  for (const text of report.warnings) warn(terminal, text);
  if (options.json) printJson(terminal, { output: out, ...(options.target && { target: options.target, runtime, limits }), ...report });
  else printReport(terminal, report, limits, runtime);
  note(terminal, `wrote ${out}`);
}
