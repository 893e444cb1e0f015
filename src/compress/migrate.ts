/**
 * Moving scale between layers: a factor that divides a channel where it is made multiplies the weights that read it, and the model computes the same. What
 * is gained is a better use of grids.
 */
import { consumersOf, type Graph, type Node, producersOf } from "../graph/graph.ts";
import { elementCount, type Tensor } from "../tensor/index.ts";

/** A value whose channels can be scaled: everything that reads it, maybe by way of operators that scale with their input, is a layer with constant weights. */
export interface Site {
  readonly value: string;
  readonly channels: number;
  readonly producer: Node;
  /** Layers that read the channels. */
  readonly readers: readonly Node[];
}

/** Operators whose outputs scale with their input, channel by channel. */
const HOMOGENEOUS: ReadonlySet<string> = new Set([
  "MaxPool",
  "AveragePool",
  "GlobalAveragePool",
  "GlobalMaxPool",
  "Relu",
  "LeakyRelu",
  "Identity",
]);

/** The sites of an inferred graph, in its order. */
export function sitesOf(graph: Graph): Site[] {
  const consumers = consumersOf(graph);
  const producers = producersOf(graph);
  const uses = new Map<string, number>();
  for (const { inputs } of graph.nodes) for (const input of inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  const own = (name: string): boolean => graph.constants.get(name)?.dtype === "f32" && uses.get(name) === 1;

  /** The layers that read a value, or undefined where anything else does. */
  const readersOf = (value: string): Node[] | undefined => {
    if (graph.outputs.includes(value)) return undefined;
    const found: Node[] = [];
    for (const reader of consumers.get(value) ?? []) {
      if (isLayer(graph, reader) && reader.inputs[0] === value && own(reader.inputs[1])) found.push(reader);
      else if (HOMOGENEOUS.has(reader.op) && reader.outputs.length === 1) {
        const beyond = readersOf(reader.outputs[0]);
        if (!beyond) return undefined;
        found.push(...beyond);
      } else return undefined;
    }
    return found;
  };

  return [...producers].flatMap(([value, producer]): Site[] => {
    if (!scales(graph, producer) || !producer.inputs.slice(1).every((input) => input === "" || own(input))) return [];
    const readers = readersOf(value);
    const { shape } = graph.types.get(value)!;
    const channels = shape[channelAxis(producer, shape.length)];
    if (!readers || readers.length === 0 || readers.some((reader) => channelsRead(graph, reader) !== channels)) return [];
    return [{ value, channels, producer, readers }];
  });
}

/** Whether a node's outputs scale with its constants, channel by channel: layers without a bound but zero, and layer normalization. */
function scales(graph: Graph, node: Node): boolean {
  const { min, max } = node.attrs as { min?: number; max?: number };
  if (isLayer(graph, node)) return (min === Number.NEGATIVE_INFINITY || min === 0) && max === Number.POSITIVE_INFINITY;
  return node.op === "LayerNormalization" && node.attrs.axis === -1 && graph.constants.has(node.inputs[1]);
}

const isLayer = (graph: Graph, { op, inputs }: Node): boolean =>
  op === "Conv" ? graph.constants.has(inputs[1]) : op === "MatMul" && graph.constants.get(inputs[1])?.shape.length === 2;

/** Which axis of its output a node's channels lie along. */
export function channelAxis(node: Node, rank: number): number {
  return node.op === "Conv" && node.attrs.layout !== "NHWC" ? 1 : rank - 1;
}

function channelsRead(graph: Graph, node: Node): number {
  const { shape } = graph.constants.get(node.inputs[1])!;
  return node.op === "Conv" ? shape[1] * (node.attrs.group as number) : shape[0];
}

/** Calls back with the output channel (undefined for what has none) of each constant element that makes the value. */
function madeBy({ producer }: Site, input: number, tensor: Tensor): (index: number) => number {
  if (producer.op === "LayerNormalization" || input > 1) return (index) => index;
  const inner = producer.op === "Conv" ? elementCount(tensor.shape.slice(1)) : 1;
  return producer.op === "Conv" ? (index) => Math.floor(index / inner) : (index) => index % tensor.shape[1];
}

/** The channel of the value that each weight of a reader multiplies. */
function readBy(reader: Node, { shape }: Tensor): (index: number) => number {
  if (reader.op === "MatMul") return (index) => Math.floor(index / shape[1]);
  const [outputs, perGroup] = shape;
  const taps = elementCount(shape.slice(2));
  const outputsPerGroup = outputs / (reader.attrs.group as number);
  return (index) => {
    const output = Math.floor(index / (perGroup * taps));
    return Math.floor(output / outputsPerGroup) * perGroup + (Math.floor(index / taps) % perGroup);
  };
}

/** Largest magnitude of the weights that make each channel, and of those that read it. */
export function rangesOf(graph: Graph, site: Site): { readonly made: Float64Array; readonly read: Float64Array } {
  const [made, read] = [new Float64Array(site.channels), new Float64Array(site.channels)];
  const widen = (range: Float64Array, tensor: Tensor, channel: (index: number) => number): void => {
    for (let i = 0; i < tensor.data.length; i++) range[channel(i)] = Math.max(range[channel(i)], Math.abs(tensor.data[i]));
  };
  const weights = graph.constants.get(site.producer.inputs[1])!;
  widen(made, weights, madeBy(site, 1, weights));
  for (const reader of site.readers) {
    const tensor = graph.constants.get(reader.inputs[1])!;
    widen(read, tensor, readBy(reader, tensor));
  }
  return { made, read };
}

/** The graph in which the channels of a site are divided by `factors` where they are made and multiplied where they are read. */
export function migrate(graph: Graph, site: Site, factors: ArrayLike<number>): Graph {
  const constants = new Map(graph.constants);
  const scale = (name: string, factor: (index: number) => number): void => {
    const tensor = constants.get(name)!;
    constants.set(name, { ...tensor, data: Float32Array.from(tensor.data, (w, i) => w * factor(i)) });
  };
  site.producer.inputs.slice(1).forEach((name, i) => {
    if (name === "") return;
    const channel = madeBy(site, i + 1, graph.constants.get(name)!);
    scale(name, (index) => 1 / factors[channel(index)]);
  });
  for (const reader of site.readers) {
    const channel = readBy(reader, graph.constants.get(reader.inputs[1])!);
    scale(reader.inputs[1], (index) => factors[channel(index)]);
  }
  return { ...graph, constants };
}
