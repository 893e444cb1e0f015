/** Criteria: what each weight is worth to the model. */
import type { Graph, Node } from "../../graph/graph.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { Moments } from "../moments.ts";
import { type PrunedWeights, prunedWeights } from "./layers.ts";
import { energyOf, outputsOf, type Stretch, stretchesOf } from "./quadratic.ts";

/** By the name of weights, a number ≥ 0 for each element; what is worth least goes first. */
export type Saliency = ReadonlyMap<string, Float64Array>;

/** |w|. In the scope of a model this favours layers with large weights (Han et al. 2015). */
export function magnitude(graph: Graph): Saliency {
  return saliencyOf(graph, ({ name }) => Float64Array.from(graph.constants.get(name)!.data, Math.abs));
}

/**
 * |w · ∂loss/∂w|, the first-order estimate of what removing a weight does to the loss (Molchanov et al. 2017). `gradients` are by the name of weights; weights without
 * one are left out. Throws RangeError where a gradient is of another size than its weights.
 */
export function taylor(graph: Graph, gradients: ReadonlyMap<string, Tensor>): Saliency {
  return saliencyOf(graph, ({ name }) => {
    const gradient = gradients.get(name);
    const { data } = graph.constants.get(name)!;
    if (gradient && gradient.data.length !== data.length)
      throw new RangeError(`the gradient of ${name} has ${gradient.data.length} elements, the weights ${data.length}`);
    return gradient && Float64Array.from(data, (w, i) => Math.abs(w * gradient.data[i]));
  });
}

/**
 * w² · Σx² as a share of the energy of the layer's outputs: in one layer the order of Wanda's |w| · ‖x‖ (Sun et al. 2023). It is first-order in the weight's contribution
 * to its output and knows no loss; where gradients are at hand, `taylor` does.
 */
export function wanda(graph: Graph, moments: ReadonlyMap<Node, Moments>): Saliency {
  return byMoments(graph, moments, ({ matrix, length }, r) => matrix[r * (length + 1)]);
}

/**
 * w² / [(XᵀX)⁻¹]ᵣᵣ as a share of the energy of the layer's outputs: the error that is left when the other weights of the output make up for the removed one
 * (optimal brain surgeon, Hassibi and Stork 1993; with a layer's outputs for a loss as in SparseGPT, Frantar and Alistarh 2023).
 */
export function surgeon(graph: Graph, moments: ReadonlyMap<Node, Moments>): Saliency {
  return byMoments(graph, moments, ({ inverse, length }, r) => 1 / inverse[r * (length + 1)]);
}

function saliencyOf(graph: Graph, scores: (entry: PrunedWeights) => Float64Array | undefined): Saliency {
  return new Map(
    prunedWeights(graph).flatMap((entry) => {
      const found = scores(entry);
      return found ? [[entry.name, found] as const] : [];
    }),
  );
}

/** w² times a factor for each place in a patch, relative to the energy of the layer's outputs; layers without moments are left out. */
function byMoments(graph: Graph, moments: ReadonlyMap<Node, Moments>, factor: (stretch: Stretch, r: number) => number): Saliency {
  return saliencyOf(graph, (entry) => {
    const stretches = stretchesOf(entry, moments);
    if (!stretches) return undefined;
    const { data } = graph.constants.get(entry.name)!;
    const energy = energyOf(entry, stretches, data) || 1;
    const scores = new Float64Array(data.length);
    for (const stretch of stretches) {
      const factors = Float64Array.from({ length: stretch.length }, (_, r) => factor(stretch, r) / energy);
      for (const output of outputsOf(entry, stretch)) {
        for (let r = 0; r < stretch.length; r++) {
          const at = entry.view.weight(output, stretch.first + r);
          scores[at] = data[at] ** 2 * factors[r];
        }
      }
    }
    return scores;
  });
}
