/**
 * Weights as fine as they need to be: rate–distortion optimization with one Lagrange multiplier (Shoham and Gersho 1988). A bit is worth the same noise at the
 * outputs in every layer. What a layer's error does to the outputs is measured (its gain); the step at which a bit is worth its price follows from high-rate
 * theory (Gish and Pierce 1968), and rounding knows the price too. Bits, zeros and how they differ from layer to layer come of it.
 */
import type { Node } from "../graph/graph.ts";
import type { Tensor } from "../tensor/index.ts";
import { gainsOf } from "./gain.ts";
import { layerView } from "./layer-view.ts";
import { patchesPerItem } from "./moments.ts";
import type { Observer } from "./observers.ts";
import { integerNames, linearLayers } from "./quantize.ts";
import { Rounder } from "./round.ts";
import type { Context, State } from "./state.ts";
import { steppedGrid } from "./weight-grid.ts";

/** Steps are so much wider than is best for fine grids: at a few bits a weight, fewer and dearer integers cost less than they lose (measured on Fashion-MNIST's training images). */
const WIDER = 1.6;

const MOST_ITEMS = 32;

export interface Pricing {
  /** Weights of all layers together. */
  readonly count: number;
  /** The weights of layers at a price of a bit, which is noise at the outputs as a share of the signal's power; by their names among `integerNames`. */
  at(price: number): Map<string, Tensor>;
}

/** The price at which the weights together make this share of noise. */
export const priceOfNoise = (noise: number, count: number): number => (2 * Math.LN2 * noise) / (count * WIDER * WIDER);

/** Measures all that does not depend on the price. `layers` are linear layers of the state's graph. */
export async function pricing({ graph, mask }: State, layers: readonly Node[], observer: Observer, context: Context): Promise<Pricing> {
  const { calibration, measured, preprocess, onProgress } = context;
  const axes = linearLayers(graph);
  const names = integerNames(graph);
  const grids = await measured.grids(graph, observer);
  const { moments, items } = await measured.moments(graph);
  const outputs = [...new Set(layers.map((node) => node.outputs[0]))];
  const gains = await gainsOf(graph, outputs, grids, calibration.data, {
    indices: measured.spread(graph, outputs.length).slice(0, MOST_ITEMS),
    preprocess,
    onProgress: (done, total) => onProgress?.("measuring gains", done, total),
  });
  const rounders = new Map<string, { readonly node: Node; readonly rounder: Rounder }>();
  for (const node of layers) {
    const key = names.ofWeights(node, axes.get(node)!);
    if (!rounders.has(key)) rounders.set(key, { node, rounder: new Rounder(graph, node, axes.get(node)!, moments.get(node)) });
  }
  /** Squared error of the moments' patches that is worth a bit. */
  const worth = (node: Node, price: number): number => {
    const view = layerView(graph, node);
    const { noise, open } = gains.get(node.outputs[0])!;
    return view && noise * open > 0 ? (price * patchesPerItem(view, items) * items) / (noise * open * view.patches) : 0;
  };
  return {
    count: [...rounders.values()].reduce((sum, { rounder }) => sum + rounder.weights.data.length, 0),
    at: (price) =>
      new Map(
        [...rounders].map(([key, { node, rounder }]) => {
          const perBit = worth(node, price);
          const step = WIDER * Math.sqrt((6 * perBit) / (Math.LN2 * rounder.stiffness));
          return [key, rounder.round({ grid: steppedGrid(rounder.weights, step), removed: mask.get(node.inputs[1])?.data, perBit })];
        }),
      ),
  };
}
