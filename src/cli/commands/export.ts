import { basename } from "node:path";
import { type Command, Option } from "commander";
import { build } from "../../build.ts";
import { readBytes } from "../../data/file.ts";
import { openDataset } from "../../data/index.ts";
import { exportOnnx } from "../../export.ts";
import { addCalibrationOptions, type CalibrationOptions, observerOf } from "../calibration-options.ts";
import { onnxInputs } from "../model.ts";
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
import { note, printJson, type Terminal, warn } from "../terminal.ts";
import { oneOf } from "../values.ts";
import { checkFile, writeFile } from "../write.ts";

interface Options extends ModelOptions, CalibrationOptions {
  readonly out?: string;
  readonly weights: "int8" | "f32";
  readonly force?: boolean;
  readonly json?: boolean;
}

const EXAMPLE = `
Examples:
  $ edgepack export model.onnx --calibration photos/ --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 -o model.int8.onnx`;

export function addExport(program: Command, terminal: Terminal): void {
  const command = program
    .command("export")
    .summary("write what a build would run as ONNX for other engines")
    .description(
      "Optimizes and quantizes an ONNX model as build does, and writes it as ONNX with QuantizeLinear and DequantizeLinear, which other engines run in integers. Inputs are those of the model: what --mean and --std describe is for reading the calibration data.",
    )
    .argument("<model.onnx>", "the model")
    .option("-o, --out <path>", "where to write (default: the model's name with .int8.onnx, or .f32.onnx)")
    .addOption(new Option("--weights <type>", "int8 or f32").default("int8").argParser(oneOf("int8", "f32")));
  addModelOptions(addCalibrationOptions(command))
    .option("--force", "overwrite an existing file")
    .option("--json", "print what was written as JSON")
    .addHelpText("after", EXAMPLE)
    .action((path: string, options: Options) => exportModel(terminal, path, options));
}

async function exportModel(terminal: Terminal, path: string, options: Options): Promise<void> {
  const name = basename(path).replace(/\.onnx$/i, "");
  const out = options.out ?? `${name}.${options.weights}.onnx`;
  checkFile(out, options.force === true, () => false);

  const onnx = readBytes(path);
  const external = externalDataOf(path);
  const inputs = onnxInputs(onnx, { shapes: options.shape, fixed: options.fix, external });
  const preprocess = preprocessOf(options, inputs);
  const specs = withPreprocess(inputs, preprocess);
  const labels = options.labels === undefined ? undefined : readLabels(options.labels);
  const calibration =
    options.calibration === undefined ? undefined : await openDataset(options.calibration, { part: "train", inputs: specs, labels });
  if (calibration) warnUnnormalized(terminal, calibration, specs);

  const progress = progressOn(terminal);
  const { graph, report } = await build(onnx, {
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
    onProgress: progress.update,
  }).finally(progress.stop);
  const bytes = exportOnnx(graph);
  await writeFile(out, bytes);
  for (const text of report.warnings) warn(terminal, text);
  if (options.json) printJson(terminal, { output: out, mode: report.mode, bytes: bytes.length });
  note(terminal, `wrote ${out} (${report.mode})`);
}
