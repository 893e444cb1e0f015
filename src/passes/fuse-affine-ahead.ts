import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { elementCount, type Tensor, tensor } from "../tensor/index.ts";
import { alongAxis, constantOperand, hasActivation } from "./match.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/**
 * Multiplications and additions of constants, one number for a channel, go into the weights and bias of the Conv or MatMul that alone reads them, as the
 * learnable affine blocks of mobile nets do. What is added does not go through padding, whose zeros it would not be added to. In double, rounded once.
 */
export function fuseAffineAhead(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    let layer = node;
    for (let next = absorbed(layer, draft); next; next = absorbed(layer, draft)) layer = next;
    return layer === node ? undefined : [layer];
  });
}

/** The layer with the Mul, Div, Add or Sub before it gone into it. */
function absorbed(node: Node, draft: Draft): Node | undefined {
  const [input, weightName, biasName] = node.inputs;
  const weight = draft.constant(weightName ?? "");
  const bias = biasName ? draft.constant(biasName) : undefined;
  const host = weight && weight.dtype === "f32" && (!biasName || bias) ? hostOf(node, weight, draft) : undefined;
  const affine = host && draft.producer(input);
  if (!affine || draft.uses(input) !== 1 || hasActivation(affine)) return undefined;
  const operand = ["Add", "Sub", "Mul", "Div"].includes(affine.op) ? constantOperand(affine, draft) : undefined;
  if (!operand || (operand.first && (affine.op === "Sub" || affine.op === "Div"))) return undefined;
  const along = alongAxis(operand.constant, draft.type(operand.value).shape, host.axis);
  if (!along || String(draft.type(operand.value).shape) !== String(draft.type(input).shape)) return undefined;
  if (affine.op === "Mul" || affine.op === "Div") {
    const factor = affine.op === "Mul" ? along : Float64Array.from(along, (v) => 1 / v);
    const data = Float32Array.from(weight!.data, (w, i) => w * factor[host.channel(i)]);
    const scaled = draft.addConstant(`${node.name}.weight`, { ...weight!, data });
    return makeNode({ ...node, inputs: [operand.value, scaled, biasName ?? ""] });
  }
  if (host.padded) return undefined;
  const sums = new Float64Array(host.outputs).fill(0);
  weight!.data.forEach((w, i) => {
    sums[host.output(i)] += w * (affine.op === "Sub" ? -along[host.channel(i)] : along[host.channel(i)]);
  });
  const shifted = sums.map((sum, o) => sum + (bias ? bias.data[o] : 0));
  return makeNode({ ...node, inputs: [operand.value, weightName, draft.addConstant(`${node.name}.bias`, tensor("f32", shifted))] });
}

/** How a layer's weights lie: by their index, the channel that each reads and the output that it is for. */
interface Host {
  readonly axis: number;
  readonly outputs: number;
  readonly padded: boolean;
  channel(i: number): number;
  output(i: number): number;
}

function hostOf(node: Node, { shape }: Tensor, draft: Draft): Host | undefined {
  if (node.op === "MatMul" && shape.length === 2) {
    const [, n] = shape;
    const axis = draft.type(node.inputs[0]).shape.length - 1;
    return { axis, outputs: n, padded: false, channel: (i) => Math.floor(i / n), output: (i) => i % n };
  }
  if (node.op !== "Conv" || node.attrs.layout !== "NCHW") return undefined;
  const [outputs, perGroup] = shape;
  const taps = elementCount(shape.slice(2));
  const pads = node.attrs.pads as readonly number[] | undefined;
  const output = (i: number): number => Math.floor(i / (perGroup * taps));
  const outputsPerGroup = outputs / (node.attrs.group as number);
  return {
    axis: 1,
    outputs,
    padded: taps > 1 && (node.attrs.auto_pad !== "NOTSET" || (pads ?? []).some((p) => p !== 0)),
    channel: (i) => Math.floor(output(i) / outputsPerGroup) * perGroup + (Math.floor(i / taps) % perGroup),
    output,
  };
}
