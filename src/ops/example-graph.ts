import type { Graph, Node } from "../graph/graph.ts";
import type { Tensor } from "../tensor/index.ts";
import { makeNode } from "./node.ts";

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
