import type { Quant, Tensor, TensorType } from "../tensor/index.ts";

export type AttrValue = number | string | readonly number[] | Tensor | undefined;

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
