import type { Graph, Node } from "../graph/graph.ts";
import { constantOnGrid } from "../ops/grid-params.ts";
import { makeNode } from "../ops/node.ts";
import { f32, type Tensor } from "../tensor/index.ts";
import { onlyReadHere } from "./match.ts";
import { type Draft, rewrite } from "./rewrite.ts";

interface Layer {
  /** The real layer. */
  readonly op: string;
  /** Of its weights, and their axis that outputs lie along. */
  readonly rank: number;
  readonly axis: number;
  /** How many dimensions of the result follow that of its channels. */
  readonly trailing: number;
}

const LAYERS: Readonly<Record<string, Layer>> = {
  MatMulInteger: { op: "MatMul", rank: 2, axis: 1, trailing: 0 },
  ConvInteger: { op: "Conv", rank: 4, axis: 0, trailing: 2 },
};

/**
 * `DynamicQuantizeLinear(x) → MatMulInteger or ConvInteger → Cast → Mul by both scales`, as quantizers write layers whose inputs are quantized while
 * the model runs, is the layer itself with weights on their grid: it quantizes its input in the same way.
 */
export function fuseDynamicQuantize(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    if (node.op !== "Mul") return undefined;
    const [a, b] = node.inputs;
    return layerOf(node, a, b, draft) ?? layerOf(node, b, a, draft);
  });
}

function layerOf(node: Node, sum: string, factor: string, draft: Draft): readonly Node[] | undefined {
  const cast = onlyReadHere(draft, sum, "Cast");
  const layer = cast && onlyReadHere(draft, cast.inputs[0], ...Object.keys(LAYERS));
  const scales = draft.producer(factor);
  if (!layer || scales?.op !== "Mul") return undefined;
  const [x, w, xZero, wZero] = layer.inputs;
  const quantized = draft.producer(x);
  if (quantized?.op !== "DynamicQuantizeLinear" || quantized.outputs[0] !== x || quantized.outputs[2] !== xZero) return undefined;
  const wScale = scales.inputs.find((input) => input !== quantized.outputs[1]);
  if (!scales.inputs.includes(quantized.outputs[1]) || wScale === undefined) return undefined;

  const { op, rank, axis, trailing } = LAYERS[layer.op];
  const [weights, given, zero] = [w, wScale, wZero ?? ""].map((name) => draft.constant(name));
  const scale = given && perChannel(given, trailing);
  if (weights?.shape.length !== rank || !scale || (wZero && !zero)) return undefined;
  const stored = constantOnGrid({ ...layer, attrs: { axis, block_size: 0 } }, weights, scale, zero);
  if (stored?.quant?.zero !== 0) return undefined;
  const onGrid = draft.addConstant(`${w}.q`, stored);
  return [makeNode({ op, name: layer.name, inputs: [quantized.inputs[0], onGrid], outputs: node.outputs, attrs: layer.attrs })];
}

/** One scale, or one for each channel of a result: [channels, 1, …]. */
function perChannel({ data, shape }: Tensor, trailing: number): Tensor | undefined {
  if (data.length > 1 && String(shape) !== String([data.length, ...new Array(trailing).fill(1)])) return undefined;
  return f32(Float32Array.from(data), data.length === 1 ? [] : [data.length]);
}
