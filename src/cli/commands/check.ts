import type { Command } from "commander";
import { quantizeStatic } from "../../compress/quantize.ts";
import { totalMacs } from "../../compress/report.ts";
import { readBytes } from "../../data/file.ts";
import { EdgepackError } from "../../errors.ts";
import type { Graph } from "../../graph/graph.ts";
import { type OnnxModel, type ReadOptions, readOnnx } from "../../onnx/index.ts";
import { optimize } from "../../passes/index.ts";
import { planGraph } from "../../plan/plan.ts";
import { checkLimits, type LimitRow, TARGETS, type TargetName } from "../../targets/index.ts";
import { elementCount, formatType, gridOfRange } from "../../tensor/index.ts";
import { estimateMs, TARGET_SPEED } from "../estimate.ts";
import { externalDataOf } from "../model-options.ts";
import { bytes, count, digits, table } from "../table.ts";
import { colorsFor, print, printJson, type Terminal } from "../terminal.ts";
import { type Fixed, fixed, type Shapes, shape } from "../values.ts";

interface Options {
  readonly shape?: Shapes;
  readonly fix?: Fixed;
  readonly json?: boolean;
}

const EXAMPLE = `
Examples:
  $ edgepack check model.onnx
  $ edgepack check model.onnx --shape image=1,3,224,224 --json`;

export function addCheck(program: Command, terminal: Terminal): void {
  program
    .command("check")
    .summary("say whether a model can be built, and what it would need")
    .description(
      "Says before any work whether edgepack can build an ONNX model: what it does not support, and why; or else multiply-accumulates, memory, and estimates of bytes and time. Ends with 1 where the model cannot be built.",
    )
    .argument("<model>", "an .onnx file")
    .option("--shape <name=dims>", "fix an input's shape, as in image=1,3,224,224; repeatable", shape)
    .option("--fix <name=values>", "make an input a constant, as in sr=16000; repeatable", fixed)
    .option("--json", "print as JSON")
    .addHelpText("after", EXAMPLE)
    .action((path: string, options: Options) => {
      const report = checkModel(readBytes(path), { shapes: options.shape, fixed: options.fix, external: externalDataOf(path) });
      if (options.json) printJson(terminal, report);
      else printCheck(terminal, report);
      if (!report.runnable) throw new EdgepackError("ONNX_UNSUPPORTED", `${path} cannot be built as it is`);
    });
}

interface Problem {
  /** Operator and name of the node, or what else is meant. */
  readonly where: string;
  readonly reason: string;
}

/** One way of building the model, planned but not written. */
interface Form {
  /** Of one inference at the speed of the machine that rates were measured on. */
  readonly ms: number;
  /** Of the file at most: entropy coding makes it smaller. */
  readonly bytes: number;
  readonly memory: { readonly image: number; readonly arena: number; readonly total: number };
}

type CheckReport = ReturnType<typeof checkModel>;

function checkModel(onnx: Uint8Array, options: ReadOptions) {
  const { model, problems } = readPart(onnx, options);
  let graph: Graph | undefined;
  let forms: { readonly f32: Form; readonly int8: Form } | undefined;
  try {
    if (model) {
      graph = optimize(model.graph);
      const f32 = formOf(graph);
      forms = { f32, int8: formOf(onAssumedGrids(graph)) };
    }
  } catch (error) {
    problems.push(...problemsOf(error));
  }
  const runnable = problems.length === 0;
  const operators: Record<string, number> = {};
  for (const { op } of model?.graph.nodes ?? []) operators[op] = (operators[op] ?? 0) + 1;
  const port = (value: string) => ({ name: value, type: graph?.types.has(value) ? formatType(graph.types.get(value)!) : "unknown" });
  return {
    model: model?.graph.name ?? "model",
    opset: model?.opset,
    producer: model?.producer,
    runnable,
    problems,
    operators,
    ...(runnable &&
      graph &&
      forms && {
        inputs: graph.inputs.map(port),
        outputs: graph.outputs.map(port),
        macs: totalMacs(graph),
        params: [...graph.constants.values()].reduce((sum, { dtype, shape }) => sum + (dtype === "f32" ? elementCount(shape) : 0), 0),
        forms,
        targets: (Object.keys(TARGETS) as TargetName[]).map((name) => targetReport(name, forms)),
      }),
    warnings: model?.warnings ?? [],
  };
}

/** What can be read of the model, and why the rest cannot. */
function readPart(onnx: Uint8Array, options: ReadOptions): { readonly model?: OnnxModel; readonly problems: Problem[] } {
  try {
    const model = readOnnx(onnx, { ...options, partial: true });
    return { model, problems: model.unsupported.map(problemOf) };
  } catch (error) {
    if (!(error instanceof EdgepackError) || error.code !== "SHAPE_UNKNOWN") throw error;
    // Without shapes nothing can be planned, but unsupported operators are refused before shapes are looked at.
    const operators = refusalOf(() => readOnnx(onnx, options));
    return { problems: [...(operators?.code === "ONNX_UNSUPPORTED" ? operators.problems.map(problemOf) : []), ...problemsOf(error)] };
  }
}

function refusalOf(read: () => unknown): EdgepackError | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (!(error instanceof EdgepackError)) throw error;
    return error;
  }
}

/** The problems that a refusal lists, or its message as the one problem; other errors are thrown on. */
function problemsOf(error: unknown): Problem[] {
  if (!(error instanceof EdgepackError)) throw error;
  return error.problems.length ? error.problems.map(problemOf) : [{ where: "the model", reason: error.message }];
}

function problemOf(line: string): Problem {
  const at = line.indexOf(": ");
  return at < 0 ? { where: "the model", reason: line } : { where: line.slice(0, at), reason: line.slice(at + 2) };
}

function formOf(graph: Graph): Form {
  const plan = planGraph(graph);
  const { image, memory } = plan.pack.meta;
  return {
    ms: estimateMs(graph, plan),
    bytes: plan.pack.regions.reduce((sum, { data }) => sum + data.byteLength, 0),
    memory: { image, arena: plan.arena.bytes, total: memory },
  };
}

/** The graph as calibration would quantize it. Which kernels it needs, and how much memory, does not depend on what the grids are. */
function onAssumedGrids(graph: Graph): Graph {
  const grid = gridOfRange(-1, 1);
  const values = [...graph.inputs, ...graph.nodes.flatMap((node) => node.outputs)];
  return quantizeStatic(graph, new Map(values.map((value) => [value, grid])));
}

function targetReport(name: TargetName, forms: { readonly f32: Form; readonly int8: Form }) {
  const { factor, assumed } = TARGET_SPEED[name];
  const limits = (form: Form): LimitRow[] => checkLimits(name, { bytes: form.bytes, largest: form.bytes, memory: form.memory.total });
  const exceeded = (form: Form) => limits(form).flatMap(({ limit, ok }) => (ok === false ? [limit] : []));
  return {
    target: name,
    assumed,
    ms: { f32: forms.f32.ms / factor, int8: forms.int8.ms / factor },
    exceeded: { f32: exceeded(forms.f32), int8: exceeded(forms.int8) },
  };
}

function printCheck(terminal: Terminal, report: CheckReport): void {
  const colors = colorsFor(terminal, terminal.stdout);
  const { model, opset, producer, problems, operators, warnings } = report;
  const verdict = report.runnable ? colors.green("can be built") : colors.red("cannot be built");
  print(terminal, `${colors.bold(model)}  ${opset ? `ONNX, opset ${opset}${producer ? `, from ${producer}` : ""}: ` : ""}${verdict}`);
  if (problems.length)
    print(
      terminal,
      `\n${table(
        colors,
        ["where", "why not"],
        problems.map(({ where, reason }) => [where, reason]),
      )}`,
    );
  if (report.forms) {
    const { inputs = [], outputs = [], macs = 0, params = 0, forms, targets = [] } = report;
    const ports = (list: readonly { readonly name: string; readonly type: string }[]) => list.map((p) => `${p.name} ${p.type}`).join(", ");
    print(terminal, `inputs     ${ports(inputs)}`);
    print(terminal, `outputs    ${ports(outputs)}`);
    print(
      terminal,
      `operators  ${Object.entries(operators)
        .map(([op, n]) => `${op} ${n}`)
        .join(", ")}`,
    );
    print(terminal, `totals     ${count(params)} parameters, ${count(macs)} MACs`);
    const row = (title: string, of: (form: Form) => string) => [title, of(forms.f32), of(forms.int8)];
    print(
      terminal,
      `\n${table(
        colors,
        ["", ">f32", ">int8"],
        [
          row("file, at most", (form) => bytes(form.bytes)),
          row("memory", (form) => bytes(form.memory.total)),
          row("  activations", (form) => bytes(form.memory.arena)),
        ],
      )}`,
    );
    const limits = ({ f32, int8 }: { readonly f32: readonly string[]; readonly int8: readonly string[] }) =>
      int8.length
        ? colors.red(`exceeds: ${int8.join(", ")}`)
        : f32.length
          ? `f32 exceeds: ${f32.join(", ")}`
          : colors.green("within limits");
    print(
      terminal,
      `\n${table(
        colors,
        ["estimated for", "assumed", ">f32 ms", ">int8 ms", ""],
        targets.map((t) => [t.target, t.assumed, digits(t.ms.f32, 2), digits(t.ms.int8, 2), limits(t.exceeded)]),
      )}`,
    );
  }
  for (const text of warnings) print(terminal, `note: ${text}`);
}
