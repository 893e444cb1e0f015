/** What If, Loop and Scan share: subgraphs inferred, evaluated and lowered with what their node gives them. */
import { EdgepackError } from "../errors.ts";
import { freshNames, renameReads } from "../graph/edit.ts";
import { evaluate } from "../graph/evaluate.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { SHAPE_WORK, walkTypes } from "../graph/infer.ts";
import { sameType, type Tensor, type TensorType, tensor, typeOf } from "../tensor/index.ts";
import { type AttrSpec, attr, type Body } from "./define.ts";
import { makeNode } from "./node.ts";

/** How many of the node's last inputs are captures. edgepack's own; see `Graph`. */
export const CAPTURES: { readonly captures: AttrSpec } = { captures: attr.int(0) };

/** The types of a subgraph's outputs, and their data where they follow from what is given. Throws RangeError with all that does not fit inside. */
export function inferBody({ graph, inputs }: Body): readonly { readonly type: TensorType; readonly value?: Tensor }[] {
  const types = new Map(graph.inputs.map((name, i) => [name, inputs[i].type]));
  const values = graph.inputs.flatMap((name, i): [string, Tensor][] => (inputs[i].value ? [[name, inputs[i].value]] : []));
  try {
    const walk = walkTypes({ ...graph, types, constants: new Map([...graph.constants, ...values]) }, SHAPE_WORK);
    return graph.outputs.map((name) => {
      const type = walk.types.get(name);
      if (!type) throw new RangeError(`output ${name} of its subgraph ${graph.name} is written by nothing`);
      if (type.bound) throw new RangeError(`data decide how much there is of output ${name} of its subgraph ${graph.name}`);
      return { type, value: walk.constants.get(name) };
    });
  } catch (error) {
    if (!(error instanceof EdgepackError)) throw error;
    throw new RangeError(error.problems.length ? error.problems.join("; ") : error.message);
  }
}

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

/** Evaluates a subgraph on inputs by their places. */
export function evaluateBody(graph: Graph, inputs: readonly Tensor[]): readonly Tensor[] {
  const types = new Map<string, TensorType>();
  const results = evaluate({ ...graph, types }, Object.fromEntries(graph.inputs.map((name, i) => [name, inputs[i]])));
  return graph.outputs.map((name) => results[name]);
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

/** A subgraph for cases: nodes as `[op, inputs, outputs]`, names separated by blanks, `_` an absent input. They are made when they are read: files of operators load in any order. */
export function exampleGraph(
  inputs: readonly string[],
  nodes: readonly (readonly [op: string, inputs: string, outputs: string, attrs?: Node["attrs"]])[],
  outputs: string,
  constants: Readonly<Record<string, Tensor>> = {},
): Graph {
  return {
    name: "body",
    inputs,
    outputs: outputs.split(" "),
    get nodes() {
      return nodes.map(([op, reads, writes, attrs]) =>
        makeNode({
          op,
          name: writes,
          inputs: reads.split(" ").map((name) => (name === "_" ? "" : name)),
          outputs: writes.split(" "),
          attrs,
        }),
      );
    },
    constants: new Map(Object.entries(constants)),
    types: new Map(),
  };
}
