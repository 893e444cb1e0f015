import type { Quant, Tensor, TensorType } from "../tensor/index.ts";

/** An attribute; a Graph is a subgraph of an operator of control flow. */
export type AttrValue = number | string | readonly number[] | readonly string[] | Tensor | Graph | undefined;

/**
 * One operation. Inputs and outputs are value names; "" stands for an optional input that is absent. `attrs` holds every attribute
 * of the operator's table, defaults filled in.
 */
export interface Node {
  readonly op: string;
  /** Unique in the graph; from the model where it gives one. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: Readonly<Record<string, AttrValue>>;
  /** The grid of the output. An operator that computes in integers writes i8 on this grid, or f32 where it is absent. */
  readonly quant?: Quant;
}

/**
 * The IR: plain data, nodes in topological order, each value written once. A pass takes a Graph and returns a Graph; none is changed in place.
 * `constants` are values with data; `types` holds the type of every value once `inferTypes` has run, and of the inputs always.
 *
 * A subgraph is closed: what it reads of the graph around it are inputs of its node (the last ones, as many as the attribute `captures` says) and
 * inputs of the subgraph (also the last ones, in the same order). So no name inside means anything outside, and the types of its inputs are
 * those that its node's operator says (`bodies`).
 */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly types: ReadonlyMap<string, TensorType>;
}

/** Which nodes read each value. */
export function consumersOf(graph: Graph): Map<string, Node[]> {
  const consumers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const input of new Set(node.inputs)) {
      if (input === "") continue;
      const list = consumers.get(input);
      if (list) list.push(node);
      else consumers.set(input, [node]);
    }
  }
  return consumers;
}

/** Which node writes each value. */
export function producersOf(graph: Graph): Map<string, Node> {
  return new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
}

export const isGraph = (value: AttrValue): value is Graph => typeof value === "object" && "nodes" in value;

/** The subgraphs of a node by the names of their attributes. */
export function subgraphsOf(node: Pick<Node, "attrs">): readonly (readonly [attr: string, graph: Graph])[] {
  return Object.entries(node.attrs).flatMap(([attr, value]) => (isGraph(value) ? [[attr, value] as const] : []));
}
