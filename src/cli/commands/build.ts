import { basename } from "node:path";
import { type Command, Option } from "commander";
import { build } from "../../build.ts";
import { readBytes } from "../../data/file.ts";
import { openDataset } from "../../data/index.ts";
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
import { isPack, onnxInputs } from "../model.ts";
import {
  addModelOptions,
  externalDataOf,
  type ModelOptions,
  preprocessOf,
  readLabels,
  warnUnnormalized,
  withPreprocess,
} from "../model-options.ts";
import { progressOn } from "../progress.ts";
import { printReport } from "../report.ts";
import { note, printJson, type Terminal, warn } from "../terminal.ts";
import { oneOf } from "../values.ts";
import { checkFile, checkFolder, writeFile, writeFolder } from "../write.ts";

interface Options extends ModelOptions, CalibrationOptions {
  readonly out?: string;
  readonly target?: TargetName;
  readonly weights: "int8" | "f32";
  readonly force?: boolean;
  readonly json?: boolean;
}

const EXAMPLE = `
Examples:
  $ edgepack build model.onnx
  $ edgepack build model.onnx --calibration photos/ --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  $ edgepack build model.onnx --calibration data.npz --target cloudflare -o worker`;

export function addBuild(program: Command, terminal: Terminal): void {
  const targets = Object.keys(TARGETS) as TargetName[];
  const command = program
    .command("build")
    .summary("turn an ONNX model into a pack, or into a folder for a target")
    .description("Turns an ONNX model into a pack (.epk) or, with --target, into a folder that runs at once. Ends with a report.")
    .argument("<model.onnx>", "the model")
    .option("-o, --out <path>", "where to write (default: the model's name with .epk, or with the target's name)")
    .addOption(new Option("--target <place>", `write a folder for ${targets.join(", ")}`).argParser(oneOf(...targets)))
    .addOption(new Option("--weights <type>", "store weights as int8 or f32").default("int8").argParser(oneOf("int8", "f32")));
  addModelOptions(addCalibrationOptions(command))
    .option("--force", "overwrite what edgepack did not write")
    .option("--json", "print the report as JSON")
    .addHelpText("after", EXAMPLE)
    .action((path: string, options: Options) => buildModel(terminal, path, options));
}

async function buildModel(terminal: Terminal, path: string, options: Options): Promise<void> {
  const name = basename(path).replace(/\.onnx$/i, "");
  const out = options.out ?? (options.target ? `${name}-${options.target}` : `${name}.epk`);
  if (options.target) checkFolder(out, options.force === true);
  else checkFile(out, options.force === true, isPack);

  const onnx = readBytes(path);
  const external = externalDataOf(path);
  const labels = options.labels === undefined ? undefined : readLabels(options.labels);
  const inputs = onnxInputs(onnx, { shapes: options.shape, fixed: options.fix, external });
  const preprocess = preprocessOf(options, inputs);
  const specs = withPreprocess(inputs, preprocess);
  const calibration =
    options.calibration === undefined ? undefined : await openDataset(options.calibration, { part: "train", inputs: specs, labels });
  if (calibration) warnUnnormalized(terminal, calibration, specs);
  if (calibration && options.weights === "f32") warn(terminal, "--calibration has no effect with --weights f32");

  const progress = progressOn(terminal);
  const { epk, meta, report } = await build(onnx, {
    name,
    shapes: options.shape,
    fixed: options.fix,
    external,
    weights: options.weights,
    calibration,
    calibrationCount: options.calibrationCount,
    seed: options.seed,
    observer: observerOf(options),
    preprocess,
    labels,
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
  for (const text of report.warnings) warn(terminal, text);
  if (options.json) printJson(terminal, { output: out, ...(options.target && { target: options.target, runtime, limits }), ...report });
  else printReport(terminal, report, limits, runtime);
  note(terminal, `wrote ${out}`);
}
