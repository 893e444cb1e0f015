import { prune } from "../graph/edit.ts";
import type { Graph } from "../graph/graph.ts";
import { walkTypes } from "../graph/infer.ts";

/** Nodes of more elements than this are left to the run: a constant of 16 MB in a pack costs more than it saves. */
const FOLDED_WORK = 2 ** 22;

/**
 * Evaluates all that follows from constants and shapes, and gives every value its type. What stays is what depends on the inputs' data.
 * Throws GRAPH_INVALID where nodes do not fit their inputs.
 */
export function fold(graph: Graph): Graph {
  const { types, constants } = walkTypes(graph, FOLDED_WORK);
  const nodes = graph.nodes.filter((node) => !node.outputs.every((output) => constants.has(output)));
  return prune({ ...graph, nodes, constants, types });
}
