/** Channels that no weight reads: what a mask of whole channels leaves, and what training with decay left. */
import type { Graph } from "../../graph/graph.ts";
import { coupleChannels, type End } from "./coupling.ts";
import { PINNED } from "./labels.ts";
import { leavingSome, withoutClasses } from "./shrink.ts";

/**
 * The graph without channels, heads and neurons that are read by zeros alone, as a smaller dense graph, and without those that only they read, and so on. Outputs stay what
 * they are to the bit, sums being taken in the same order, as long as what was multiplied by those zeros was finite.
 */
export function removeDeadChannels(graph: Graph): Graph {
  for (let current = graph; ; ) {
    const coupling = coupleChannels(current);
    const dead = leavingSome(coupling, unread(current, coupling.readers, coupling.sources));
    if (dead.size === 0) return current;
    current = withoutClasses(current, coupling, dead);
  }
}

function unread(graph: Graph, readers: readonly End[], sources: readonly End[]): Set<number> {
  const classes = new Set(sources.flatMap((end) => Array.from(end.classes)));
  classes.delete(PINNED);
  for (const end of readers) for (const c of usedClasses(graph, end)) classes.delete(c);
  return classes;
}

/** Classes that a layer reads by a weight other than 0. */
function usedClasses(graph: Graph, { weights, axis, classes }: End): Set<number> {
  const { data, shape } = graph.constants.get(weights)!;
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const used = new Set<number>();
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) used.add(classes[Math.floor(i / inner) % shape[axis]]);
  return used;
}
