import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { elementCount, f32, sameShape, type Tensor, tensor } from "../tensor/index.ts";
import { alongAxis, constantOperand, hasActivation, onlyReadHere } from "./match.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/**
 * Multiplications and additions of constants, one number for a channel, go into the weights and bias of the Conv or MatMul that alone reads them, as the
 * learnable affine blocks of mobile nets do. What is added does not go through padding, whose zeros it would not be added to. In double, rounded once.
 */
export function fuseAffineAhead(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    let layer = node;
    for (let next = absorbed(layer, draft); next; next = absorbed(layer, draft)) layer = next;
    return factorPastTerm(layer, draft) ?? (layer === node ? undefined : [layer]);
  });
}

/** A factor or a term for each channel of `value`. */
interface Step {
  readonly value: string;
  readonly factor?: Float64Array;
  readonly term?: Float64Array;
}

/** The Mul, Div, Add or Sub of a constant that writes `value`, where it is read here alone. */
function stepBefore(value: string, axis: number, draft: Draft): Step | undefined {
  const node = onlyReadHere(draft, value, "Add", "Sub", "Mul", "Div");
  const operand = node && !hasActivation(node) ? constantOperand(node, draft) : undefined;
  if (!operand || (operand.first && (node!.op === "Sub" || node!.op === "Div"))) return undefined;
  const { shape } = draft.type(operand.value);
  const along = alongAxis(operand.constant, shape, axis);
  if (!along || !sameShape(shape, draft.type(value).shape)) return undefined;
  switch (node!.op) {
    case "Mul":
      return { value: operand.value, factor: Float64Array.from(along) };
    case "Div":
      return { value: operand.value, factor: Float64Array.from(along, (v) => 1 / v) };
    case "Add":
      return { value: operand.value, term: Float64Array.from(along) };
    default:
      return { value: operand.value, term: Float64Array.from(along, (v) => -v) };
  }
}

/** The layer with what stands before it gone into it. */
function absorbed(node: Node, draft: Draft): Node | undefined {
  const host = hostOf(node, draft);
  const step = host && stepBefore(node.inputs[0], host.axis, draft);
  if (!step) return undefined;
  if (step.factor) return withFactor(node, host, step.value, step.factor, draft);
  return host.padded ? undefined : withTerm(node, host, step.value, step.term!, draft);
}

/** A factor before a term that padding keeps where it is: x · a + b is (x + b / a) · a. */
function factorPastTerm(node: Node, draft: Draft): Node[] | undefined {
  const host = hostOf(node, draft);
  const add = host && stepBefore(node.inputs[0], host.axis, draft);
  const multiply = add?.term && stepBefore(add.value, host!.axis, draft);
  if (!multiply?.factor) return undefined;
  const terms = Float32Array.from(add!.term!, (term, c) => term / multiply.factor![c]);
  if (!terms.every(Number.isFinite)) return undefined;
  const rank = draft.type(node.inputs[0]).shape.length;
  const shape = terms.every((v) => v === terms[0]) ? [] : [terms.length, ...new Array<number>(rank - 1 - host!.axis).fill(1)];
  const term = draft.addConstant(`${node.name}.term`, f32(shape.length ? terms : terms.slice(0, 1), shape));
  const shifted = draft.fresh(`${multiply.value}_shifted`);
  const sum = makeNode({ op: "Add", name: shifted, inputs: [multiply.value, term], outputs: [shifted] });
  return [sum, withFactor(node, host!, shifted, multiply.factor, draft)];
}

function withFactor(node: Node, { weight, channel }: Host, input: string, factor: Float64Array, draft: Draft): Node {
  const data = Float32Array.from(weight.data, (w, i) => w * factor[channel(i)]);
  const scaled = draft.addConstant(`${node.name}.weight`, { ...weight, data });
  return makeNode({ ...node, inputs: [input, scaled, ...node.inputs.slice(2)] });
}

function withTerm(node: Node, { weight, bias, outputs, channel, output }: Host, input: string, term: Float64Array, draft: Draft): Node {
  const sums = Float64Array.from({ length: outputs }, (_, o) => bias?.data[o] ?? 0);
  weight.data.forEach((w, i) => {
    sums[output(i)] += w * term[channel(i)];
  });
  return makeNode({ ...node, inputs: [input, node.inputs[1], draft.addConstant(`${node.name}.bias`, tensor("f32", sums))] });
}

/** A layer's constants, and how its weights lie: by their index, the channel that each reads and the output that it is for. */
interface Host {
  readonly weight: Tensor;
  readonly bias?: Tensor;
  readonly axis: number;
  readonly outputs: number;
  readonly padded: boolean;
  channel(i: number): number;
  output(i: number): number;
}

function hostOf(node: Node, draft: Draft): Host | undefined {
  const [input, ...constants] = node.inputs;
  const [weight, bias] = constants.map((name) => draft.constant(name));
  if (weight?.dtype !== "f32" || (constants[1] && !bias)) return undefined;
  const { shape } = weight;
  if (node.op === "MatMul" && shape.length === 2) {
    const n = shape[1];
    const axis = draft.type(input).shape.length - 1;
    return { weight, bias, axis, outputs: n, padded: false, channel: (i) => Math.floor(i / n), output: (i) => i % n };
  }
  if (node.op !== "Conv" || node.attrs.layout !== "NCHW") return undefined;
  const [outputs, perGroup] = shape;
  const taps = elementCount(shape.slice(2));
  const pads = (node.attrs.pads as readonly number[] | undefined) ?? [];
  const output = (i: number): number => Math.floor(i / (perGroup * taps));
  const outputsPerGroup = outputs / (node.attrs.group as number);
  return {
    weight,
    bias,
    axis: 1,
    outputs,
    padded: node.attrs.auto_pad !== "NOTSET" || pads.some((p) => p !== 0),
    channel: (i) => Math.floor(output(i) / outputsPerGroup) * perGroup + (Math.floor(i / taps) % perGroup),
    output,
  };
}
