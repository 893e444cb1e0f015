import { dropCaptures } from "../graph/closure.ts";
import { prune } from "../graph/edit.ts";
import type { Graph } from "../graph/graph.ts";
import { opOf } from "../ops/index.ts";
import { settledBody } from "../ops/subgraph.ts";

/** Passes over the subgraphs of each node, with the types and constants that the node gives them; captures that are read no more are dropped. */
export function subgraphs(graph: Graph, pass: (inner: Graph) => Graph): Graph {
  let found = false;
  const nodes = graph.nodes.map((node) => {
    const bodies = opOf(node.op)?.bodies?.({
      node,
      inputs: node.inputs.map((name) => graph.types.get(name)),
      constant: (index) => graph.constants.get(node.inputs[index]),
    });
    if (!bodies) return node;
    found = true;
    const graphs = bodies.map((body) => [body.attr, pass(settledBody(body))] as const);
    return dropCaptures({ ...node, attrs: { ...node.attrs, ...Object.fromEntries(graphs) } });
  });
  return found ? prune({ ...graph, nodes }) : graph;
}
