import { prune } from "../graph/edit.ts";
import type { Graph } from "../graph/graph.ts";
import { walkTypes } from "../semantics/infer.ts";
import { inliner } from "./inline.ts";

/** Nodes of more elements than this are left to the run: a constant of 16 MB in a pack costs more than it saves. */
const FOLDED_WORK = 2 ** 22;

/**
 * Evaluates all that follows from constants and shapes, and gives every value its type; subgraphs whose use is settled become nodes of the graph. What
 * stays is what depends on the inputs' data.
 * Throws GRAPH_INVALID where nodes do not fit their inputs.
 */
export function fold(graph: Graph): Graph {
  const walk = walkTypes(graph, FOLDED_WORK, inliner(graph));
  const { types, constants } = walk;
  const nodes = walk.nodes.filter((node) => !node.outputs.every((output) => constants.has(output)));
  return prune({ ...graph, nodes, constants, types });
}
