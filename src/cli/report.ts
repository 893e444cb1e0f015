import type { BuildReport, LayerReport } from "../build.ts";
import { decibels, share } from "../report/numbers.ts";
import type { LimitRow, ShippedFile } from "../targets/index.ts";
import { bytes, type Cell, count, digits, table } from "./table.ts";
import { type Colors, colorsFor, print, type Terminal } from "./terminal.ts";

const MODES = {
  f32: "f32",
  "int8-static": "int8, static activations",
  "int8-dynamic": "int8, dynamic activations",
  "int8-weights": "f32, weights stored as integers",
  "int8-given": "int8, as the model came",
} as const;

interface Section {
  readonly title: string;
  /** As for `table`. */
  readonly headings: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

function sizeSection({ sizes }: BuildReport): Section {
  const row = (title: string, n: number) => [title, bytes(n), share(n, sizes.onnx)];
  return {
    title: "Size",
    headings: ["", ">bytes", ">of the .onnx"],
    rows: [
      row(".onnx", sizes.onnx),
      row(".epk", sizes.epk),
      row("  weights", sizes.weights),
      row("  other constants", sizes.constants),
      row("  plan", sizes.plan),
      row("  metadata", sizes.meta),
      row("  container", sizes.container),
    ],
  };
}

function layerSection({ layers }: BuildReport): Section {
  const total = (of: (layer: LayerReport) => number) => layers.reduce((sum, layer) => sum + of(layer), 0);
  const perWeight = ({ bitsPerWeight }: LayerReport) => (bitsPerWeight > 0 ? bitsPerWeight.toFixed(2) : "");
  const operator = ({ op, zeros, sparse }: LayerReport) => (sparse ? `${op}, ${share(zeros, 1)} zeros skipped` : op);
  return {
    title: "Layers",
    headings: ["layer", "op", "output", ">MACs", ">parameters", ">bytes", ">bits/weight", ">SQNR dB"],
    rows: [
      ...layers.map((l) => [l.name, operator(l), l.output, count(l.macs), count(l.params), bytes(l.bytes), perWeight(l), decibels(l.sqnr)]),
      ["all", "", "", count(total((l) => l.macs)), count(total((l) => l.params)), bytes(total((l) => l.bytes)), "", ""],
    ],
  };
}

function agreementSection({ agreement }: BuildReport): Section[] {
  if (!agreement) return [];
  const { samples, source, top1, sqnr, maxDiff } = agreement;
  return [
    {
      title: `Agreement with f32 on ${samples} ${source === "calibration" ? "calibration" : "synthetic (random)"} inputs`,
      headings: ["", ">"],
      rows: [
        ["same best class", share(top1, 1)],
        ["SQNR of the outputs, dB", decibels(sqnr)],
        ["largest difference", digits(maxDiff)],
      ],
    },
  ];
}

function memorySection({ memory }: BuildReport): Section {
  return {
    title: "Memory",
    headings: ["", ">bytes"],
    rows: [
      ["weights and plan", bytes(memory.image)],
      ["activations", bytes(memory.arena)],
      ["  lower bound", bytes(memory.lowerBound)],
      ["all", bytes(memory.total)],
    ],
  };
}

function limitSection(limits: readonly LimitRow[], colors: Colors): Section {
  const amount = (value: number | undefined, unit: LimitRow["unit"]) =>
    value === undefined ? "" : unit === "bytes" ? bytes(value) : `${value} ms`;
  const verdict = (ok: boolean | undefined) => (ok === undefined ? "measure there" : ok ? colors.green("ok") : colors.red("exceeded"));
  return {
    title: "Limits",
    headings: ["", ">allowed", ">used", "", "source"],
    rows: limits.map((l) => [l.limit, amount(l.value, l.unit), amount(l.used, l.unit), verdict(l.ok), `${l.source}, ${l.date}`]),
  };
}

function runtimeSection(runtime: readonly ShippedFile[]): Section {
  return {
    title: "Runtime, with the kernels that this model needs",
    headings: ["", ">bytes", ">brotli"],
    rows: runtime.map((file) => [file.path, bytes(file.bytes), bytes(file.brotli)]),
  };
}

/** What a build prints at its end: sizes, layers, agreement with f32, memory, and the target's limits. */
export function printReport(terminal: Terminal, report: BuildReport, limits?: readonly LimitRow[], runtime?: readonly ShippedFile[]): void {
  const colors = colorsFor(terminal, terminal.stdout);
  const sections = [sizeSection(report), layerSection(report), ...agreementSection(report), memorySection(report)];
  if (runtime) sections.push(runtimeSection(runtime));
  if (limits) sections.push(limitSection(limits, colors));
  print(terminal, `${colors.bold(report.model)}  ${MODES[report.mode]}`);
  for (const { title, headings, rows } of sections) print(terminal, `\n${colors.bold(title)}\n${table(colors, headings, rows)}`);
}
