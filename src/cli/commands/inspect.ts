import type { Command } from "commander";
import { macsOf } from "../../compress/report.ts";
import { ZIP_MAGIC } from "../../data/arrays.ts";
import { readBytes } from "../../data/file.ts";
import { EdgepackError } from "../../errors.ts";
import type { Graph } from "../../graph/graph.ts";
import { type ReadOptions, readOnnx } from "../../onnx/index.ts";
import { optimize } from "../../passes/index.ts";
import { remainingTransposes } from "../../passes/remaining-transposes.ts";
import { inferTypes } from "../../semantics/infer.ts";
import { elementCount, formatType } from "../../tensor/index.ts";
import { isPack } from "../model.ts";
import { externalDataOf } from "../model-options.ts";
import { bytes, count, table } from "../table.ts";
import { colorsFor, print, printJson, type Terminal } from "../terminal.ts";
import { type Fixed, fixed, type Shapes, shape } from "../values.ts";
import { printMask } from "./inspect-mask.ts";
import { inspectPack, printPack } from "./inspect-pack.ts";

interface Options {
  readonly shape?: Shapes;
  readonly fix?: Fixed;
  readonly json?: boolean;
}

const EXAMPLE = `
Examples:
  $ edgepack inspect model.onnx --shape image=1,3,224,224
  $ edgepack inspect model.epk --json
  $ edgepack inspect mask.npz`;

export function addInspect(program: Command, terminal: Terminal): void {
  program
    .command("inspect")
    .summary("show what is in a model, a pack or a mask")
    .description(
      "Shows inputs, outputs, operators, parameters, multiply-accumulates and bytes of an ONNX model or of a pack, or what a mask removes.",
    )
    .argument("<model>", "an .onnx file, a pack (.epk), or a mask (.npz)")
    .option("--shape <name=dims>", "fix the shape of an .onnx file's input; repeatable", shape)
    .option("--fix <name=values>", "make an input of an .onnx file a constant, as in sr=16000; repeatable", fixed)
    .option("--json", "print as JSON")
    .addHelpText("after", EXAMPLE)
    .action((path: string, options: Options) => {
      const file = readBytes(path);
      if (ZIP_MAGIC.every((byte, i) => file[i] === byte)) return printMask(terminal, path, options.json === true);
      if (isPack(file)) {
        const pack = inspectPack(file);
        if (options.json) printJson(terminal, pack);
        else printPack(terminal, pack);
        return;
      }
      const model = inspectOnnx(file, path, { shapes: options.shape, fixed: options.fix });
      if (options.json) printJson(terminal, model);
      else printOnnx(terminal, model);
    });
}

type OnnxModel = ReturnType<typeof inspectOnnx>;

function inspectOnnx(file: Uint8Array, path: string, given: Pick<ReadOptions, "shapes" | "fixed">) {
  const { graph: read, opset, producer, warnings } = readOnnx(file, { ...given, external: externalDataOf(path) });
  const graph = inferTypes(read);
  const typeOf = (value: string) => graph.types.get(value);
  const written = (value: string) => ({ name: value, type: typeOf(value) ? formatType(typeOf(value)!) : "unknown" });
  const counted = new Set<string>();
  const layers = graph.nodes.map((node) => {
    const own = node.inputs.filter((input) => graph.constants.get(input)?.dtype === "f32" && !counted.has(input));
    for (const input of own) counted.add(input);
    const output = typeOf(node.outputs[0]);
    return {
      name: node.name,
      op: node.op,
      output: output ? formatType(output) : "unknown",
      macs: output ? macsOf(node, graph) : 0,
      params: own.reduce((sum, input) => sum + elementCount(graph.constants.get(input)!.shape), 0),
    };
  });
  const operators: Record<string, number> = {};
  for (const { op } of [...layers].sort((a, b) => (a.op < b.op ? -1 : 1))) operators[op] = (operators[op] ?? 0) + 1;
  return {
    kind: "onnx" as const,
    name: graph.name,
    bytes: file.length,
    opset,
    producer,
    inputs: graph.inputs.map(written),
    outputs: graph.outputs.map(written),
    operators,
    params: layers.reduce((sum, l) => sum + l.params, 0),
    macs: layers.reduce((sum, l) => sum + l.macs, 0),
    layers,
    transposes: transposesLeft(graph),
    warnings,
  };
}

/** Undefined where the model cannot be built, which `check` explains. */
function transposesLeft(graph: Graph) {
  try {
    return remainingTransposes(optimize(graph));
  } catch (error) {
    if (error instanceof EdgepackError) return undefined;
    throw error;
  }
}

function printOnnx(terminal: Terminal, model: OnnxModel): void {
  const colors = colorsFor(terminal, terminal.stdout);
  print(
    terminal,
    `${colors.bold(model.name)}  ONNX, opset ${model.opset}${model.producer ? `, from ${model.producer}` : ""}, ${bytes(model.bytes)}`,
  );
  for (const [title, ports] of [
    ["inputs", model.inputs],
    ["outputs", model.outputs],
  ] as const)
    print(terminal, `${title.padEnd(10)} ${ports.map(({ name, type }) => `${name} ${type}`).join(", ")}`);
  print(
    terminal,
    `operators  ${Object.entries(model.operators)
      .map(([op, n]) => `${op} ${n}`)
      .join(", ")}`,
  );
  print(terminal, `totals     ${count(model.params)} parameters, ${count(model.macs)} MACs`);
  const rows = model.layers.filter((l) => l.macs > 0 || l.params > 0).map((l) => [l.name, l.op, l.output, count(l.macs), count(l.params)]);
  if (rows.length > 0) print(terminal, `\n${table(colors, ["layer", "op", "output", ">MACs", ">parameters"], rows)}`);
  if (model.transposes)
    print(
      terminal,
      `transposes ${model.transposes.map(({ input, perm }) => `${input} by [${perm}]`).join(", ") || "none"} (what the layout leaves to the run)`,
    );
  for (const text of model.warnings) print(terminal, `note: ${text}`);
}
