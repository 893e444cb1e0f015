/** Clean-up that costs nothing: what no output depends on, and what is there twice. */

import { freshNames, prune, renameReads } from "../graph/edit.ts";
import { consumersOf, type Graph, type Node } from "../graph/graph.ts";
import { elementCount, f32, type Shape, type Tensor, typeOf } from "../tensor/index.ts";
import { constantChannels } from "./prune/constant-channels.ts";
import { coupleChannels } from "./prune/coupling.ts";
import { removeDeadChannels } from "./prune/dead.ts";

/**
 * The graph without dead channels and with equal constants stored once. A channel is dead where only zeros read it, or where it is always 0 (a filter of zeros). Outputs
 * are the same to the bit as long as what zeros are multiplied by is finite, which it is not where a model overflows.
 */
export function cleanUp(graph: Graph): Graph {
  return shareConstants(untilSettled(graph, (current) => removeDeadChannels(withoutReadsOfZeros(current))));
}

/**
 * The graph without channels that are the same number whatever the inputs are: filters of zeros with a bias. The number goes into the bias of the layers that read it, where
 * no padding takes its place. Outputs change by rounding alone.
 */
export function foldConstantChannels(graph: Graph): Graph {
  return untilSettled(graph, (current) => removeDeadChannels(withReadsInBiases(current)));
}

function untilSettled(graph: Graph, step: (graph: Graph) => Graph): Graph {
  for (let current = graph; ; ) {
    const next = step(current);
    if (next === current) return current;
    current = next;
  }
}

/** Weights that read channels which are always 0 become 0 themselves, so that nothing reads these any more. */
function withoutReadsOfZeros(graph: Graph): Graph {
  const coupling = coupleChannels(graph);
  const known = constantChannels(graph, coupling);
  const constants = new Map(graph.constants);
  for (const { weights: name, axis, classes } of coupling.readers) {
    const ends = coupling.readers.filter(({ weights }) => weights === name);
    const isZero = (place: number): boolean => ends.every(({ node }) => known.get(node.inputs[0])?.get(classes[place]) === 0);
    const tensor = constants.get(name)!;
    const without = withoutSlices(tensor, axis, isZero);
    if (tensor.data.some((w, i) => w !== without.data[i])) constants.set(name, without);
  }
  return [...constants].every(([name, tensor]) => graph.constants.get(name) === tensor) ? graph : { ...graph, constants };
}

/** The first layer that reads a constant channel reads it by its bias; the graph itself where there is none. */
function withReadsInBiases(graph: Graph): Graph {
  const coupling = coupleChannels(graph);
  const known = constantChannels(graph, coupling);
  const readers = consumersOf(graph);
  for (const end of coupling.readers) {
    const { node, weights: name, axis, classes } = end;
    const values = known.get(node.inputs[0]);
    const tensor = graph.constants.get(name)!;
    if (!values || readers.get(name)!.length > 1 || isPadded(node)) continue;
    const isKnown = (place: number): boolean => values.has(classes[place]);
    const without = withoutSlices(tensor, axis, isKnown);
    if (tensor.data.every((w, i) => w === without.data[i])) continue;
    const outputs = node.op === "MatMul" ? tensor.shape.length - 1 : 0;
    const place = placeAlong(tensor.shape, axis);
    const output = placeAlong(tensor.shape, outputs);
    const before = node.inputs[2] ? graph.constants.get(node.inputs[2])!.data : new Float32Array(tensor.shape[outputs]);
    const bias = Float64Array.from(before);
    tensor.data.forEach((w, i) => {
      if (isKnown(place(i))) bias[output(i)] += w * values.get(classes[place(i)])!;
    });
    const biasName = freshNames(graph)(`${node.name}.bias`);
    const constants = new Map([...graph.constants, [name, without], [biasName, f32(bias)]]);
    const nodes = graph.nodes.map((other) => (other === node ? { ...node, inputs: [node.inputs[0], name, biasName] } : other));
    return prune({ ...graph, nodes, constants, types: new Map([...graph.types, [biasName, typeOf(f32(bias))]]) });
  }
  return graph;
}

const isPadded = ({ op, attrs }: Node): boolean =>
  op === "ConvTranspose" ||
  (op === "Conv" &&
    (!["NOTSET", "VALID"].includes(attrs.auto_pad as string) || ((attrs.pads as readonly number[]) ?? []).some((p) => p !== 0)));

const placeAlong = (shape: Shape, axis: number): ((i: number) => number) => {
  const inner = elementCount(shape.slice(axis + 1));
  return (i) => Math.floor(i / inner) % shape[axis];
};

function withoutSlices(tensor: Tensor, axis: number, gone: (place: number) => boolean): Tensor {
  const place = placeAlong(tensor.shape, axis);
  return { ...tensor, data: Float32Array.from(tensor.data, (w, i) => (gone(place(i)) ? 0 : w)) };
}

/** Constants of the same type and bytes become one. */
export function shareConstants(graph: Graph): Graph {
  const outputs = new Set(graph.outputs);
  const alike = new Map<string, string[]>();
  const renamed = new Map<string, string>();
  for (const [name, tensor] of graph.constants) {
    if (outputs.has(name)) continue;
    const key = `${tensor.dtype} ${tensor.shape} ${hashOf(tensor)}`;
    const others = alike.get(key) ?? [];
    const same = others.find((other) => isSame(graph.constants.get(other)!, tensor));
    if (same === undefined) alike.set(key, [...others, name]);
    else renamed.set(name, same);
  }
  return renamed.size === 0 ? graph : prune({ ...graph, nodes: renameReads(graph.nodes, renamed) });
}

const bytesOf = ({ data }: Tensor): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** FNV-1a. */
function hashOf(tensor: Tensor): number {
  let hash = 0x811c9dc5;
  for (const byte of bytesOf(tensor)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

function isSame(a: Tensor, b: Tensor): boolean {
  if (a.quant || b.quant) return false;
  const [x, y] = [bytesOf(a), bytesOf(b)];
  return x.every((byte, i) => byte === y[i]);
}
