/** Channels that have the same value whatever the inputs are: those of filters that are all 0, and what becomes of them. */
import type { Graph, Node } from "../../graph/graph.ts";
import { evaluateNode } from "../../semantics/evaluate.ts";
import { clamp, f32, type Tensor } from "../../tensor/index.ts";
import type { Coupling } from "./coupling.ts";
import { PINNED } from "./labels.ts";

/** By value, the classes of channels that are constant in it, each at all its places, and what they are. */
export type ConstantChannels = ReadonlyMap<string, ReadonlyMap<number, number>>;

export function constantChannels(graph: Graph, coupling: Coupling): ConstantChannels {
  const known = new Map<string, Map<number, number>>();
  for (const node of graph.nodes) {
    const rule = RULES[node.op];
    if (!rule) continue;
    for (const output of node.outputs) {
      const found = new Map<number, number>();
      for (const c of classesOf(coupling, output)) {
        const value = rule({ graph, coupling, node, c, known });
        if (value !== undefined && Number.isFinite(value)) found.set(c, value);
      }
      if (found.size > 0) known.set(output, found);
    }
  }
  return known;
}

/** A class of channels in what a node writes. */
interface Channel {
  readonly graph: Graph;
  readonly coupling: Coupling;
  readonly node: Node;
  readonly c: number;
  readonly known: ConstantChannels;
}

const classesOf = ({ axes }: Coupling, value: string): Set<number> => {
  const classes = new Set((axes.get(value) ?? []).flatMap((places) => Array.from(places ?? [])));
  classes.delete(PINNED);
  return classes;
};

/** The one number that a constant has at all places of a class; all its places where the class is not in it. */
function only(tensor: Tensor, places: (i: number) => boolean): number | undefined {
  let value: number | undefined;
  for (let i = 0; i < tensor.data.length; i++) {
    if (!places(i)) continue;
    if (value !== undefined && tensor.data[i] !== value) return undefined;
    value = tensor.data[i];
  }
  return value;
}

/** Which elements of a constant belong to a class. */
function placesOf({ coupling, c }: Channel, name: string, { shape }: Tensor): (i: number) => boolean {
  const axes = coupling.axes.get(name) ?? [];
  const axis = axes.findIndex((places) => places?.includes(c));
  if (axis < 0) return () => true;
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  return (i) => axes[axis]![Math.floor(i / inner) % shape[axis]] === c;
}

/** A layer's channels are its bias where their weights are all 0, or read nothing but zeros. */
function linear(channel: Channel): number | undefined {
  const { graph, coupling, node, c, known } = channel;
  const end = coupling.sources.find((source) => source.node === node);
  if (!end) return undefined;
  const weights = graph.constants.get(end.weights)!;
  const inner = weights.shape.slice(end.axis + 1).reduce((n, d) => n * d, 1);
  const own = (i: number): boolean => end.classes[Math.floor(i / inner) % weights.shape[end.axis]] === c;
  const readsZeros = (node.attrs.group ?? 1) !== 1 && known.get(node.inputs[0])?.get(c) === 0;
  if (!readsZeros && only(weights, own) !== 0) return undefined;
  const bias = node.inputs[2] ? graph.constants.get(node.inputs[2])! : f32([0]);
  const value = only(bias, node.inputs[2] ? placesOf(channel, node.inputs[2], bias) : () => true);
  return value === undefined ? undefined : clamp(value, node.attrs.min as number, node.attrs.max as number);
}

/** By the operator's own definition, on one element. */
function pointwise(channel: Channel): number | undefined {
  const { graph, node, c, known } = channel;
  const inputs = node.inputs.map((name) => {
    const constant = graph.constants.get(name);
    return constant ? only(constant, placesOf(channel, name, constant)) : known.get(name)?.get(c);
  });
  if (node.op === "Mul" && inputs.includes(0)) return 0;
  if (node.inputs.some((name, i) => name !== "" && inputs[i] === undefined)) return undefined;
  const [result] = evaluateNode(
    node,
    inputs.map((v) => (v === undefined ? undefined : f32([v]))),
  );
  return result.data[0];
}

/** Operators that move elements, or pick among those of a channel: the constant is that of the inputs that have the channel. */
function carried({ coupling, node, c, known }: Channel): number | undefined {
  const from = node.inputs.filter((name) => classesOf(coupling, name).has(c));
  const values = from.map((name) => known.get(name)?.get(c));
  return values.length > 0 && values.every((v) => v === values[0]) ? values[0] : undefined;
}

/** Operators that sum elements of a channel, or put zeros beside them. */
const zeroCarried = (channel: Channel): number | undefined => (carried(channel) === 0 ? 0 : undefined);

const padded = (channel: Channel): number | undefined => {
  const { graph, node } = channel;
  const fill = node.inputs[2] ? graph.constants.get(node.inputs[2])?.data[0] : 0;
  return fill === 0 ? zeroCarried(channel) : undefined;
};

const rulesOf = (rule: (channel: Channel) => number | undefined, names: string) => names.split(" ").map((name) => [name, rule] as const);

const RULES: Readonly<Record<string, (channel: Channel) => number | undefined>> = Object.fromEntries([
  ...rulesOf(linear, "Conv MatMul ConvTranspose"),
  ...rulesOf(
    pointwise,
    "Identity Relu Clip LeakyRelu PRelu Elu Selu Celu Sigmoid HardSigmoid Tanh Softplus Softsign Mish Swish HardSwish Gelu",
  ),
  ...rulesOf(pointwise, "ThresholdedRelu Shrink Erf Abs Neg Sign Round Floor Ceil Exp Sqrt Sin Cos Atan Add Sub Mul Div Min Max Sum Mean"),
  ...rulesOf(carried, "Reshape Flatten Squeeze Unsqueeze Transpose Concat Split Slice MaxPool GlobalMaxPool ReduceMax ReduceMin"),
  ...rulesOf(zeroCarried, "AveragePool GlobalAveragePool ReduceMean ReduceSum Resize"),
  ...rulesOf(padded, "Pad"),
]);
