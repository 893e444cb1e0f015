/** What If, Loop and Scan share: subgraphs as they stand in a node, with what the node gives them. */
import { freshNames, renameReads } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { sameType, type Tensor, type TensorType, tensor, typeOf } from "../tensor/index.ts";
import { type AttrSpec, attr, type Body } from "./define.ts";

/** How many of the node's last inputs are captures. edgepack's own; see `Graph`. */
export const CAPTURES: { readonly captures: AttrSpec } = { captures: attr.int(0) };

/** The subgraph with the types of its inputs; what reads an input that is always the same reads a constant instead. */
export function settledBody({ graph, inputs }: Body): Graph {
  const fresh = freshNames(graph);
  const types = new Map([...graph.types, ...graph.inputs.map((name, i) => [name, inputs[i].type] as const)]);
  const constants = new Map(graph.constants);
  const names = new Map<string, string>();
  graph.inputs.forEach((input, i) => {
    const { value } = inputs[i];
    if (!value) return;
    const name = fresh(`${input}.value`);
    names.set(input, name);
    constants.set(name, value);
    types.set(name, typeOf(value));
  });
  const outputs = graph.outputs.map((output) => names.get(output) ?? output);
  return { ...graph, nodes: renameReads(graph.nodes, names), outputs, constants, types };
}

export const graphOf = (node: Node, name: string): Graph => node.attrs[name] as Graph;

export const flag = (value: boolean): Tensor => tensor("bool", [Number(value)], []);

export const COUNTER: TensorType = { dtype: "i64", shape: [] };

/** Throws RangeError where a value that goes from one iteration to the next changes its type. */
export function checkState(before: readonly TensorType[], after: readonly TensorType[]): void {
  before.forEach((type, i) => {
    if (!sameType(type, after[i])) throw new RangeError(`value ${i} that goes from one iteration to the next does not keep its type`);
  });
}

/** Throws RangeError where a node gives a subgraph another number of values than it takes, or takes more than it gives. */
export function checkCounts(graph: Graph, inputs: number, outputs: number): void {
  if (graph.inputs.length !== inputs)
    throw new RangeError(`its subgraph ${graph.name} takes ${graph.inputs.length} inputs, is given ${inputs}`);
  if (graph.outputs.length !== outputs)
    throw new RangeError(`its subgraph ${graph.name} has ${graph.outputs.length} outputs, not ${outputs}`);
}
