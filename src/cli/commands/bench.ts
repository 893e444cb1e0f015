import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { type BuildResult, build } from "../../build.ts";
import { readBytes } from "../../data/file.ts";
import { openDataset, syntheticDataset } from "../../data/index.ts";
import { exportOnnx } from "../../export.ts";
import type { Meta } from "../../format/image.ts";
import { readEpk } from "../../format/index.ts";
import { load, type Model } from "../../run/index.ts";
import { checkLimits, type LimitRow, TARGETS, type TargetName, usageOf, writeTarget } from "../../targets/index.ts";
import { addCalibrationOptions, type CalibrationOptions, observerOf } from "../calibration-options.ts";
import { type ColdStart, measureColdStart } from "../cold-start.ts";
import { measure, type Timing } from "../measure.ts";
import { isPack, onnxInputs } from "../model.ts";
import {
  addModelOptions,
  externalDataOf,
  type ModelOptions,
  preprocessOf,
  refuseModelOptions,
  warnUnnormalized,
  withPreprocess,
} from "../model-options.ts";
import { type Peer, peerOf } from "../onnxruntime-peer.ts";
import { type ProfileReport, printProfile, profileReport } from "../profile.ts";
import { progressOn } from "../progress.ts";
import { bytes, type Cell, digits, table } from "../table.ts";
import { colorsFor, note, print, printJson, type Terminal } from "../terminal.ts";

interface Options extends ModelOptions, CalibrationOptions {
  readonly profile?: boolean;
  readonly quick?: boolean;
  readonly json?: boolean;
}

const EXAMPLE = `
Examples:
  $ edgepack bench model.onnx
  $ edgepack bench model.onnx --calibration photos/ --profile
  $ edgepack bench model.epk --json`;

export function addBench(program: Command, terminal: Terminal): void {
  const command = program
    .command("bench")
    .summary("measure how fast a model runs, and where the time goes")
    .description(
      "Measures a pack, or an ONNX model built with f32 and with int8 weights: time of an inference once warm (median, quartiles), of load and first run in a fresh process, memory, and the targets' limits. One thread, made-up inputs. An ONNX model also runs in onnxruntime-web, where that is installed in the working directory, in turn with edgepack.",
    )
    .argument("<model>", "an .onnx file, or a pack (.epk)")
    .option("--profile", "time each layer, and compare it with the peak of this machine")
    .option("--quick", "measure for a fraction of the time");
  addModelOptions(addCalibrationOptions(command))
    .option("--json", "print as JSON")
    .addHelpText("after", EXAMPLE)
    .action((path: string, options: Options) => benchModel(terminal, path, options));
}

/** A pack to be measured; the graph where it was built here. */
interface Form {
  readonly epk: Uint8Array;
  readonly meta: Meta;
  readonly graph?: BuildResult["graph"];
}

interface FormReport extends Timing {
  readonly form: string;
  readonly bytes: number;
  readonly memory: Model["memory"];
  readonly coldStart: ColdStart;
  readonly limits: readonly (LimitRow & { readonly target: TargetName })[];
  readonly profile?: ProfileReport;
}

interface BenchReport {
  readonly model: string;
  readonly forms: readonly FormReport[];
  readonly onnxruntime?: { readonly version: string; readonly times: Readonly<Record<string, Timing>> };
}

async function benchModel(terminal: Terminal, path: string, options: Options): Promise<void> {
  const file = readBytes(path);
  const forms = isPack(file) ? packForm(file, path, options) : await buildForms(terminal, file, path, options);
  const peer = isPack(file) ? undefined : await peerOf(process.cwd());
  const report = await measureForms(terminal, forms, isPack(file) ? undefined : file, peer, options);
  if (options.json) printJson(terminal, report);
  else printBench(terminal, report);
}

function packForm(file: Uint8Array, path: string, options: Options): Record<string, Form> {
  refuseModelOptions(options, path);
  return { pack: { epk: file, meta: readEpk(file).meta } };
}

async function buildForms(terminal: Terminal, onnx: Uint8Array, path: string, options: Options): Promise<Record<string, Form>> {
  const external = externalDataOf(path);
  const given = { shapes: options.shape, fixed: options.fix, external };
  const inputs = onnxInputs(onnx, given);
  const preprocess = preprocessOf(options, inputs);
  const specs = withPreprocess(inputs, preprocess);
  const calibration =
    options.calibration === undefined ? undefined : await openDataset(options.calibration, { part: "train", inputs: specs });
  if (calibration) warnUnnormalized(terminal, calibration, specs);
  const progress = progressOn(terminal);
  const { calibrationCount, seed } = options;
  const quantized = {
    ...given,
    calibration,
    calibrationCount,
    seed,
    observer: observerOf(options),
    preprocess,
    onProgress: progress.update,
  };
  return {
    f32: await build(onnx, { ...given, weights: "f32" }),
    int8: await build(onnx, quantized).finally(progress.stop),
  };
}

async function measureForms(
  terminal: Terminal,
  forms: Readonly<Record<string, Form>>,
  onnx: Uint8Array | undefined,
  peer: Peer | undefined,
  { quick, profile }: Options,
): Promise<BenchReport> {
  const pace = quick ? { warmMs: 300, rounds: 11, roundMs: 10 } : {};
  const [{ meta }] = Object.values(forms);
  const values = await syntheticDataset(
    meta.inputs.map(({ preprocess: _raw, ...input }) => input),
    1,
    0,
  ).item(0);
  const models = new Map<string, Model>();
  const contenders: Record<string, () => unknown> = {};
  for (const [form, { epk }] of Object.entries(forms)) {
    const model = await load(epk);
    models.set(form, model);
    contenders[form] = () => model.run(values);
  }
  for (const [form, { graph }] of Object.entries(forms)) {
    if (!peer || !onnx || !graph) continue;
    try {
      contenders[`onnxruntime-web ${form}`] = await peer.session(
        form === "f32" ? onnx : exportOnnx(graph, { activations: "u8" }),
        meta.inputs,
        values,
      );
    } catch (error) {
      note(terminal, `onnxruntime-web cannot run ${form}: ${(error as Error).message}`);
    }
  }
  const times = await measure(contenders, pace);
  const reports: FormReport[] = [];
  for (const [form, { epk, meta, graph }] of Object.entries(forms)) {
    const model = models.get(form)!;
    const coldStart = await coldStartOf(epk);
    const limits: (LimitRow & { target: TargetName })[] = [];
    for (const target of Object.keys(TARGETS) as TargetName[]) {
      const usage = usageOf(await writeTarget(target, { epk, meta, modelName: model.name }), meta.memory);
      const rows = checkLimits(target, { ...usage, start: coldStart.cpu, inference: times[form].cpu ?? times[form].ms });
      limits.push(...rows.map((row) => ({ target, ...row })));
    }
    const profiled = profile && { profile: await profileReport(epk, quick ? 300 : 1500, graph) };
    reports.push({ form, ...times[form], bytes: epk.length, memory: model.memory, coldStart, limits, ...profiled });
    model.dispose();
  }
  const others = Object.entries(times).filter(([name]) => !(name in forms));
  return {
    model: meta.name,
    forms: reports,
    ...(peer && others.length > 0 && { onnxruntime: { version: peer.version, times: Object.fromEntries(others) } }),
  };
}

async function coldStartOf(epk: Uint8Array): Promise<ColdStart> {
  const folder = mkdtempSync(join(tmpdir(), "edgepack-bench-"));
  try {
    const path = join(folder, "model.epk");
    writeFileSync(path, epk);
    return await measureColdStart(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function printBench(terminal: Terminal, { model, forms, onnxruntime }: BenchReport): void {
  const colors = colorsFor(terminal, terminal.stdout);
  const ms = (time: number): string => digits(time, 3);
  const timing = ({ ms: median, q1, q3, cpu }: Timing): Cell[] => [
    ms(median),
    `${ms(q1)} to ${ms(q3)}`,
    cpu === undefined ? "" : ms(cpu),
    digits(1000 / median, 3),
  ];
  const rows: Cell[][] = [
    ...forms.map((form) => [form.form, ...timing(form)]),
    ...Object.entries(onnxruntime?.times ?? {}).map(([name, time]) => [name, ...timing(time)]),
  ];
  print(terminal, `${colors.bold(model)}  one thread${onnxruntime ? `, beside onnxruntime-web ${onnxruntime.version}` : ""}\n`);
  print(terminal, table(colors, ["warm", ">ms", ">half of all", ">CPU ms", ">a second"], rows));
  const starts = forms.map(({ form, coldStart: { load, first, cpu, rss }, memory, bytes: size }) => [
    form,
    ...[load, first, cpu].map(ms),
    bytes(rss),
    bytes(memory.bytes),
    bytes(size),
  ]);
  print(
    terminal,
    `\n${table(colors, ["fresh process", ">load ms", ">first run ms", ">CPU ms", ">process", ">wasm memory", ">.epk"], starts)}`,
  );
  const amount = (value: number, unit: LimitRow["unit"]): string => (unit === "bytes" ? bytes(value) : `${ms(value)} ms`);
  const limits = forms.flatMap(({ form, limits }) =>
    limits.map((row) => [
      form,
      row.target,
      row.limit,
      amount(row.value, row.unit),
      row.used === undefined ? "" : amount(row.used, row.unit),
      row.ok ? colors.green("ok") : colors.red("exceeded"),
    ]),
  );
  print(terminal, `\n${table(colors, ["limits", "target", "", ">allowed", ">here", ""], limits)}`);
  for (const { form, profile } of forms) if (profile) printProfile(terminal, form, profile);
}
