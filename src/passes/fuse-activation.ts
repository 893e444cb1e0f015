import type { Graph, Node } from "../graph/graph.ts";
import { opOf } from "../ops/index.ts";
import { clamp } from "../tensor/index.ts";
import { scalarOf } from "./match.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/** Relu and Clip with known bounds become the bounds `min` and `max` of the node that computes their input. */
export function fuseActivation(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    const bounds = boundsOf(node, draft);
    const host = bounds && draft.producer(node.inputs[0]);
    if (!host || draft.uses(host.outputs[0]) !== 1 || draft.type(host.outputs[0]).dtype !== "f32") return undefined;
    const { min: known } = opOf(host.op)!.attrs;
    if (!known) return undefined;
    const [lo, hi] = bounds;
    const min = clamp(host.attrs.min as number, lo, hi);
    const max = clamp(host.attrs.max as number, lo, hi);
    return [{ ...host, outputs: node.outputs, attrs: { ...host.attrs, min, max } }];
  });
}

/** Bounds of an activation that clamps. */
function boundsOf(node: Node, draft: Draft): readonly [number, number] | undefined {
  if (node.op === "Relu") return [0, Number.POSITIVE_INFINITY];
  if (node.op !== "Clip") return undefined;
  const [lo, hi] = [node.inputs[1], node.inputs[2]].map((bound) => (bound ? scalarOf(draft, bound) : undefined));
  if ((node.inputs[1] && lo === undefined) || (node.inputs[2] && hi === undefined)) return undefined;
  return [lo ?? Number.NEGATIVE_INFINITY, hi ?? Number.POSITIVE_INFINITY];
}
