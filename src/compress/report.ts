/** What a build paid, and what for. */
import { measureEpk } from "../format/index.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { opOf } from "../ops/index.ts";
import type { Plan, PlannedLayer } from "../plan/plan.ts";
import { elementCount, type Tensor } from "../tensor/index.ts";
import type { Comparison } from "./compare.ts";
import type { StepNote } from "./state.ts";

export interface LayerReport {
  readonly name: string;
  readonly op: string;
  /** Shape and dtype of what it writes. */
  readonly output: string;
  /** Multiply-accumulates of one inference. */
  readonly macs: number;
  readonly params: number;
  /** Share of its parameters that are zero, 0..1, and the kernel that skips them, where one does. */
  readonly zeros: number;
  readonly sparse?: string;
  /** Bytes of its weights in the file; a region that two layers share counts for both. */
  readonly bytes: number;
  readonly bitsPerWeight: number;
  /** Signal to quantization noise against the f32 model, in dB. */
  readonly sqnr?: number;
}

export interface BuildReport {
  readonly model: string;
  /** `int8-given`: the model came quantized, and is built as it is. `int8-weights`: it computes in f32, with weights that are stored as integers. */
  readonly mode: "f32" | "int8-static" | "int8-dynamic" | "int8-weights" | "int8-given";
  /** In bytes. `constants` are biases, scales, tables and what else layers read beside their weights. */
  readonly sizes: {
    readonly onnx: number;
    readonly epk: number;
    readonly weights: number;
    readonly constants: number;
    readonly plan: number;
    readonly meta: number;
    readonly container: number;
  };
  readonly layers: readonly LayerReport[];
  /** Against the f32 model; absent where this is the f32 model. */
  readonly agreement?: {
    readonly samples: number;
    readonly source: "calibration" | "synthetic";
    /** Share of samples with the same largest output, 0..1. */
    readonly top1: number;
    /** Of all outputs, in dB. */
    readonly sqnr: number;
    readonly maxDiff: number;
  };
  /** In bytes; `lowerBound` is the least that the arena could be. */
  readonly memory: { readonly image: number; readonly arena: number; readonly lowerBound: number; readonly total: number };
  /** What each step of compression did. */
  readonly steps: readonly StepNote[];
  readonly warnings: readonly string[];
}

export interface ReportInput {
  readonly mode: BuildReport["mode"];
  readonly onnx: number;
  readonly epk: Uint8Array;
  readonly plan: Plan;
  readonly comparison?: { readonly source: "calibration" | "synthetic"; readonly result: Comparison };
  readonly warnings: readonly string[];
  readonly notes: readonly StepNote[];
}

export function reportOf({ mode, onnx, epk, plan, comparison, warnings, notes }: ReportInput): BuildReport {
  const { meta } = plan.pack;
  const measured = measureEpk(epk);
  const bytesOf = (region: number): number => measured.regions[region].bytes;
  const weightRegions = new Set(plan.layers.flatMap((layer) => layer.regions));
  const weights = [...weightRegions].reduce((sum, region) => sum + bytesOf(region), 0);
  const planBytes = bytesOf(0);
  const constants = measured.regions.reduce((sum, { bytes }, i) => sum + (i === 0 || weightRegions.has(i) ? 0 : bytes), 0);
  const result = comparison?.result;
  return {
    model: meta.name,
    mode,
    sizes: {
      onnx,
      epk: epk.length,
      weights,
      constants,
      plan: planBytes,
      meta: measured.meta,
      container: epk.length - weights - constants - planBytes - measured.meta,
    },
    // The first layer is of the model's own graph. Values inside subgraphs were not compared, whatever they are called.
    layers: plan.layers
      .filter((layer) => layer.records > 0)
      .map((layer) => layerReport(layer, bytesOf, layer.graph === plan.layers[0].graph ? result : undefined)),
    ...(comparison && {
      agreement: {
        samples: comparison.result.samples,
        source: comparison.source,
        top1: comparison.result.sameTop1 / comparison.result.samples,
        sqnr: comparison.result.outputs.decibels,
        maxDiff: comparison.result.outputs.maxDifference,
      },
    }),
    memory: { image: meta.image, arena: plan.arena.bytes, lowerBound: plan.arena.lowerBound, total: meta.memory },
    steps: notes,
    warnings,
  };
}

function layerReport(
  { node, graph, times, regions, sparse }: PlannedLayer,
  bytesOf: (region: number) => number,
  comparison: Comparison | undefined,
): LayerReport {
  const [output] = node.outputs;
  const type = graph.types.get(output)!;
  const stored = storedValues(graph);
  const constants = [...new Set(node.inputs)].filter((input) => stored.has(input));
  const params = constants.reduce((sum, input) => sum + elementCount(graph.types.get(input)!.shape), 0);
  const bytes = regions.reduce((sum, region) => sum + bytesOf(region), 0);
  const sqnr = comparison?.layers.get(output) ?? comparison?.layers.get(output.replace(/\.q_*$/, ""));
  return {
    name: node.name,
    op: node.op,
    output: `${type.dtype}[${type.shape.join(",")}]`,
    macs: times * macsOf(node, graph),
    params,
    zeros: params > 0 ? constants.reduce((sum, input) => sum + zerosIn(stored.get(input)!), 0) / params : 0,
    ...(sparse && { sparse }),
    bytes,
    bitsPerWeight: params > 0 && bytes > 0 ? (8 * bytes) / params : 0,
    ...(sqnr !== undefined && { sqnr }),
  };
}

/** Multiply-accumulates of a node in an inferred graph. */
export function macsOf(node: Node, graph: Graph): number {
  const inputs = node.inputs.map((input) => graph.types.get(input));
  return opOf(node.op)?.macs?.(node, inputs, graph.types.get(node.outputs[0])!) ?? 0;
}

/** Multiply-accumulates of an inferred graph, each node once. */
export const totalMacs = (graph: Graph): number => graph.nodes.reduce((sum, node) => sum + macsOf(node, graph), 0);

/** Values with data: constants, and the reals of those that are stored on a grid. */
function storedValues(graph: Graph): Map<string, Tensor> {
  const dequantized = graph.nodes.filter(({ op, inputs }) => op === "DequantizeLinear" && graph.constants.has(inputs[0]));
  return new Map([...graph.constants, ...dequantized.map(({ inputs, outputs }) => [outputs[0], graph.constants.get(inputs[0])!] as const)]);
}

/** Elements that stand for zero. */
function zerosIn({ data, quant }: Tensor): number {
  const zero = quant?.zero ?? 0;
  let count = 0;
  for (const value of data) if (value === zero) count++;
  return count;
}
