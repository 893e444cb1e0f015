import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { channelIndex, sameShape, type Tensor, tensor } from "../tensor/index.ts";
import { alongAxis, constantOperand, hasActivation } from "./match.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/** y ↦ y · scale + shift, one number each for every place along an axis. */
interface Affine {
  readonly value: string;
  readonly scale?: Float64Array;
  readonly shift?: Float64Array;
}

/** A layer that an affine map can go into: its weights with their axis of outputs, its bias, and the axis of its output that they belong to. */
interface Host {
  readonly weight: number;
  readonly weightAxis: number;
  /** Absent where it can have none. */
  readonly bias?: number;
  readonly axis: number;
}

/** Constant weights, or the integers of those that are stored on a grid. */
function weightOf(value: string, draft: Draft): Tensor | undefined {
  const stored = draft.producer(value);
  return draft.constant(stored?.op === "DequantizeLinear" ? stored.inputs[0] : value);
}

function hostOf(node: Node, draft: Draft): Host | undefined {
  const { shape, dtype } = draft.type(node.outputs[0]);
  const rank = shape.length;
  const weight = weightOf(node.inputs[1] ?? "", draft);
  if (dtype !== "f32" || !weight || (node.inputs[2] && !draft.constant(node.inputs[2])) || hasActivation(node)) return undefined;
  if (node.op === "Conv" && node.attrs.layout === "NCHW") return { weight: 1, weightAxis: 0, bias: 2, axis: 1 };
  if (node.op === "ConvTranspose" && node.attrs.group === 1) return { weight: 1, weightAxis: 1, bias: 2, axis: 1 };
  if (node.op === "MatMul" && weight.shape.length === 2 && rank > 0) return { weight: 1, weightAxis: 1, bias: 2, axis: rank - 1 };
  if (node.op === "LayerNormalization" && sameShape(weight.shape, shape.slice(-1)))
    return { weight: 1, weightAxis: 0, bias: 2, axis: rank - 1 };
  if (node.op === "RMSNormalization" && sameShape(weight.shape, shape.slice(-1))) return { weight: 1, weightAxis: 0, axis: rank - 1 };
  return undefined;
}

/**
 * Batch normalization and multiplications and additions of constants, one number for a channel, go into the weights and bias of the
 * Conv, ConvTranspose, MatMul or LayerNormalization before them. Computed in double, rounded to f32 once.
 */
export function fuseAffine(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    const value =
      node.op === "BatchNormalization" ? node.inputs[0] : AFFINE_OPS.has(node.op) ? constantOperand(node, draft)?.value : undefined;
    const layer = value === undefined ? undefined : draft.producer(value);
    if (!layer || draft.uses(layer.outputs[0]) !== 1 || layer.outputs.length !== 1) return undefined;
    const host = hostOf(layer, draft);
    const affine = host && affineOf(node, draft, host.axis);
    // No factor goes into weights that are integers.
    if (host && affine?.scale && weightOf(layer.inputs[host.weight], draft)?.dtype !== "f32") return undefined;
    if (!host || !affine || (affine.shift && host.bias === undefined)) return undefined;
    return [absorb(layer, host, affine, node, draft)];
  });
}

/** What BatchNormalization does to each channel; undefined where its statistics are not constant. */
export function batchNormAffine(node: Node, draft: Draft): Required<Affine> | undefined {
  const [scale, bias, mean, variance] = node.inputs.slice(1).map((name) => draft.constant(name)?.data);
  if (!scale || !bias || !mean || !variance) return undefined;
  const epsilon = node.attrs.epsilon as number;
  const factor = Float64Array.from(scale, (s, c) => s / Math.sqrt(variance[c] + epsilon));
  return { value: node.inputs[0], scale: factor, shift: factor.map((f, c) => bias[c] - mean[c] * f) };
}

const AFFINE_OPS: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div"]);

function affineOf(node: Node, draft: Draft, axis: number): Affine | undefined {
  if (node.op === "BatchNormalization") return axis === 1 ? batchNormAffine(node, draft) : undefined;
  const operand = constantOperand(node, draft);
  if (!operand || hasActivation(node)) return undefined;
  const { value, constant, first } = operand;
  const along = alongAxis(constant, draft.type(value).shape, axis);
  if (!along) return undefined;
  const c = Float64Array.from(along);
  switch (node.op) {
    case "Add":
      return { value, shift: c };
    case "Mul":
      return { value, scale: c };
    case "Sub":
      return first ? { value, scale: c.map(() => -1), shift: c } : { value, shift: c.map((v) => -v) };
    case "Div":
      return first ? undefined : { value, scale: c.map((v) => 1 / v) };
  }
  return undefined;
}

function absorb(layer: Node, host: Host, { scale, shift }: Affine, node: Node, draft: Draft): Node {
  const inputs = [...layer.inputs];
  const weight = weightOf(inputs[host.weight], draft)!;
  if (scale) inputs[host.weight] = draft.addConstant(`${layer.name}.weight`, scaled(weight, host.weightAxis, scale));
  if (host.bias === undefined) return makeNode({ ...layer, inputs, outputs: node.outputs });
  const bias = inputs[host.bias] ? draft.constant(inputs[host.bias])!.data : undefined;
  if (bias || shift) {
    const channels = Array.from(
      { length: weight.shape[host.weightAxis] },
      (_, c) => (bias ? bias[c] : 0) * (scale ? scale[c] : 1) + (shift ? shift[c] : 0),
    );
    inputs[host.bias] = draft.addConstant(`${layer.name}.bias`, tensor("f32", channels));
  }
  return makeNode({ ...layer, inputs, outputs: node.outputs });
}

function scaled(weight: Tensor, axis: number, scale: Float64Array): Tensor {
  const channel = channelIndex(weight.shape, axis);
  return { ...weight, data: Float32Array.from(weight.data, (w, i) => w * scale[channel(i)]) };
}
