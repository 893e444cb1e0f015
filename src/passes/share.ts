import type { Graph, Node } from "../graph/graph.ts";
import { rewrite } from "./rewrite.ts";

/** Nodes of one output that compute the same thing are computed once (common subexpressions). */
export function share(graph: Graph): Graph {
  const seen = new Map<string, string>();
  return rewrite(graph, (node) => {
    if (node.outputs.length !== 1 || holdsData(node)) return undefined;
    const key = JSON.stringify([node.op, node.inputs, Object.entries(node.attrs).map(([k, v]) => [k, String(v)])]);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, node.outputs[0]);
    return first;
  });
}

/** Tensors and subgraphs, which are not compared. */
function holdsData({ attrs }: Node): boolean {
  return Object.values(attrs).some((value) => typeof value === "object" && !Array.isArray(value));
}
