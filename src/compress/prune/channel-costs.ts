/** What removing a class of channels costs. */
import type { Graph, Node } from "../../graph/graph.ts";
import type { Moments } from "../moments.ts";
import { cholesky, principal, solve } from "./cholesky.ts";
import type { Coupling, End } from "./coupling.ts";
import { PINNED } from "./labels.ts";
import { type PrunedWeights, prunedWeights } from "./layers.ts";
import { energyOf, outputsOf, type Stretch, stretchesOf } from "./quadratic.ts";

/**
 * By class, the sum over the layers that read it of the error that its loss leaves, as a share of the energy of the layer's outputs, with all channels of the layer refitted: for columns G
 * of an output's weights w, w_Gᵀ [(H⁻¹)_GG]⁻¹ w_G, the group form of optimal brain surgeon. Where there are no moments, the sum over the layers that read or write it of the share
 * of their weights' energy.
 */
export function classCosts(
  graph: Graph,
  { readers, sources }: Coupling,
  moments?: ReadonlyMap<Node, Moments>,
): ReadonlyMap<number, number> {
  const costs = new Map<number, number>();
  const add = (c: number, cost: number): void => {
    if (c !== PINNED) costs.set(c, (costs.get(c) ?? 0) + cost);
  };
  const views = new Map(prunedWeights(graph).map((entry) => [entry.name, entry]));
  const seen = new Set<string>();
  for (const end of sources) if (!moments) addEnergies(graph, end, add);
  for (const end of readers) {
    // Weights that layers share have the moments of all of them.
    if (seen.has(end.weights)) continue;
    seen.add(end.weights);
    const entry = views.get(end.weights);
    const stretches = moments && entry && stretchesOf(entry, moments);
    if (stretches) addErrors(graph, end, entry, stretches, add);
    else addEnergies(graph, end, add);
  }
  return costs;
}

type Add = (c: number, cost: number) => void;

function addEnergies(graph: Graph, { weights, axis, classes }: End, add: Add): void {
  const { data, shape } = graph.constants.get(weights)!;
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const energies = new Float64Array(shape[axis]);
  for (let i = 0; i < data.length; i++) energies[Math.floor(i / inner) % shape[axis]] += data[i] ** 2;
  const total = energies.reduce((sum, e) => sum + e, 0) || 1;
  for (const [i, e] of energies.entries()) add(classes[i], e / total);
}

function addErrors(graph: Graph, end: End, entry: PrunedWeights, stretches: readonly Stretch[], add: Add): void {
  const { data } = graph.constants.get(end.weights)!;
  const energy = energyOf(entry, stretches, data) || 1;
  const perChannel = entry.view.k / end.classes.length;
  for (const stretch of stretches) {
    const columns = new Map<number, number[]>();
    for (let r = 0; r < stretch.length; r++) {
      const c = end.classes[Math.floor((stretch.first + r) / perChannel)];
      if (c !== PINNED) columns.set(c, [...(columns.get(c) ?? []), r]);
    }
    for (const [c, places] of columns) {
      const factor = cholesky(principal(stretch.inverse, stretch.length, places), places.length);
      let error = 0;
      for (const output of outputsOf(entry, stretch)) {
        const w = places.map((r) => data[entry.view.weight(output, stretch.first + r)]);
        const solved = Float64Array.from(w);
        solve(factor, places.length, solved);
        for (const [i, v] of w.entries()) error += v * solved[i];
      }
      add(c, error / energy);
    }
  }
}
