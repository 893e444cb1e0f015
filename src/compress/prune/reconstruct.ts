/**
 * Reconstruction: weights that are kept make up for those that are removed, so that the layer's outputs change least. The exact minimum of |X(w − ŵ)|² with ŵ = 0 where
 * the mask says so, for each output by itself; SparseGPT (Frantar and Alistarh 2023) comes near it in one sweep for matrices too large for it. For whole input
 * channels it is the second half of Channel Pruning (He et al. 2017).
 */
import type { Graph, Node } from "../../graph/graph.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { Moments } from "../moments.ts";
import { cholesky, principal, solve } from "./cholesky.ts";
import { prunedWeights } from "./layers.ts";
import { applyMask, type Mask } from "./mask.ts";
import { outputsOf, type Stretch, stretchesOf } from "./quadratic.ts";

/** The masked graph with the kept weights of its layers refitted to the moments; layers without moments are masked alone. Throws DATA_INVALID where the mask does not fit. */
export function reconstruct(graph: Graph, mask: Mask, moments: ReadonlyMap<Node, Moments>): Graph {
  const masked = applyMask(graph, mask);
  const constants = new Map(masked.constants);
  for (const entry of prunedWeights(graph)) {
    const removed = mask.get(entry.name)?.data;
    const stretches = removed && stretchesOf(entry, moments);
    if (!stretches) continue;
    const before = graph.constants.get(entry.name)!;
    const after: Tensor = { ...before, data: Float32Array.from(masked.constants.get(entry.name)!.data) };
    for (const stretch of stretches) {
      const place = (output: number, r: number): number => entry.view.weight(output, stretch.first + r);
      for (const { outputs, gone } of sameMasks(outputsOf(entry, stretch), stretch.length, (output, r) => removed[place(output, r)] === 1))
        refit(stretch, gone, outputs, place, before.data, after.data);
    }
    constants.set(entry.name, after);
  }
  return { ...masked, constants };
}

/** Outputs that lose the same places of their patch: they share a factor. Those that lose nothing, or all, are left out. */
function sameMasks(
  outputs: readonly number[],
  length: number,
  removed: (output: number, r: number) => boolean,
): Iterable<{ readonly outputs: number[]; readonly gone: readonly number[] }> {
  const groups = new Map<string, { outputs: number[]; gone: readonly number[] }>();
  for (const output of outputs) {
    const gone = Array.from({ length }, (_, r) => r).filter((r) => removed(output, r));
    if (gone.length === 0 || gone.length === length) continue;
    const key = gone.join();
    const group = groups.get(key);
    if (group) group.outputs.push(output);
    else groups.set(key, { outputs: [output], gone });
  }
  return groups.values();
}

function refit(
  stretch: Stretch,
  gone: readonly number[],
  outputs: readonly number[],
  place: (output: number, r: number) => number,
  before: ArrayLike<number>,
  after: Tensor["data"],
): void {
  const { matrix, length } = stretch;
  const lost = new Set(gone);
  const kept = Array.from({ length }, (_, r) => r).filter((r) => !lost.has(r));
  // Whichever system is smaller: that of what is kept in H, or that of what is gone in its inverse.
  const few = gone.length < kept.length;
  const [system, source, sign] = few ? [gone, stretch.inverse, -1] : [kept, matrix, 1];
  const factor = cholesky(principal(source, length, system), system.length);
  const right = new Float64Array(system.length);
  for (const output of outputs) {
    const product = (row: number, columns: readonly number[], values: (i: number) => number): number => {
      let sum = 0;
      for (let i = 0; i < columns.length; i++) sum += source[row * length + columns[i]] * values(i);
      return sum;
    };
    const weight = (r: number): number => before[place(output, r)];
    for (let i = 0; i < system.length; i++) right[i] = few ? weight(gone[i]) : product(kept[i], gone, (j) => weight(gone[j]));
    solve(factor, system.length, right);
    for (let i = 0; i < kept.length; i++) {
      const change = few ? product(kept[i], gone, (j) => right[j]) : right[i];
      after[place(output, kept[i])] = weight(kept[i]) + sign * change;
    }
  }
}
