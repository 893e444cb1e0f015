/**
 * Shapes are static in edgepack, so an input that a shape depends on must have a value when the model is built. The suite gives such inputs
 * as data; exported models have them as constants, and so has the harness.
 */
import type { GraphProto, NodeProto } from "../../src/onnx/schema.ts";

/** The inputs of each operator that set shapes or choose what is computed, by position. */
const SHAPE_INPUTS: Readonly<Record<string, readonly number[]>> = {
  CenterCropPad: [1],
  Col2Im: [1, 2],
  ConstantOfShape: [0],
  CumSum: [1],
  DFT: [1, 2],
  Dropout: [2],
  Expand: [1],
  BlackmanWindow: [0],
  HammingWindow: [0],
  HannWindow: [0],
  // Both decide how many iterations are stacked.
  Loop: [0, 1],
  MaxUnpool: [2],
  MelWeightMatrix: [0, 1, 2, 3, 4],
  NonMaxSuppression: [2],
  OneHot: [1],
  Pad: [1, 3],
  Range: [0, 1, 2],
  ReduceL1: [1],
  ReduceL2: [1],
  ReduceLogSum: [1],
  ReduceLogSumExp: [1],
  ReduceMax: [1],
  ReduceMean: [1],
  ReduceMin: [1],
  ReduceProd: [1],
  ReduceSum: [1],
  ReduceSumSquare: [1],
  Reshape: [1],
  Resize: [1, 2, 3],
  Slice: [1, 2, 3, 4],
  Split: [1],
  Squeeze: [1],
  STFT: [1, 3],
  Tile: [1],
  TopK: [1],
  Trilu: [1],
  Unsqueeze: [1],
  Upsample: [1],
};

/** Operators whose result tells nothing of its input's data. */
const OF_SHAPE_ALONE: ReadonlySet<string> = new Set(["Shape", "Size"]);

/** The graph's inputs that shapes depend on, directly or through other nodes. */
export function shapeInputs(graph: GraphProto): Set<string> {
  const inputs = new Set(graph.input.map((input) => input.name ?? ""));
  const producers = new Map<string, NodeProto>(graph.node.flatMap((node) => node.output.map((output) => [output, node] as const)));
  const found = new Set<string>();
  const seen = new Set<string>();
  const trace = (value: string): void => {
    if (value === "" || seen.has(value)) return;
    seen.add(value);
    if (inputs.has(value)) found.add(value);
    const producer = producers.get(value);
    if (producer && !OF_SHAPE_ALONE.has(producer.opType ?? "")) producer.input.forEach(trace);
  };
  for (const node of graph.node) for (const index of SHAPE_INPUTS[node.opType ?? ""] ?? []) trace(node.input[index] ?? "");
  return found;
}
