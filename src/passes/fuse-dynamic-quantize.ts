import type { Graph, Node } from "../graph/graph.ts";
import { constantOnGrid } from "../ops/grid-params.ts";
import { makeNode } from "../ops/node.ts";
import { onlyReadHere } from "./match.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/** Layers over integers, the real layers that they are, and the axis of their weights that outputs lie along. */
const LAYERS: Readonly<Record<string, { readonly op: string; readonly rank: number; readonly axis: number }>> = {
  MatMulInteger: { op: "MatMul", rank: 2, axis: 1 },
  ConvInteger: { op: "Conv", rank: 4, axis: 0 },
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

  const { op, rank, axis } = LAYERS[layer.op];
  const [weights, scale, zero] = [w, wScale, wZero ?? ""].map((name) => draft.constant(name));
  if (weights?.shape.length !== rank || !scale || (wZero && !zero)) return undefined;
  if (scale.data.length > 1 && scale.shape.length !== 1) return undefined;
  const stored = constantOnGrid({ ...layer, attrs: { axis, block_size: 0 } }, weights, scale, zero);
  if (stored?.quant?.zero !== 0) return undefined;
  const onGrid = draft.addConstant(`${w}.q`, stored);
  return [makeNode({ op, name: layer.name, inputs: [quantized.inputs[0], onGrid], outputs: node.outputs, attrs: layer.attrs })];
}
