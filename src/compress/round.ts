/**
 * Rounding of weights to their grid that minimizes the error of the layer's output, not of each weight: Σ |X(w − ŵ)|² = (w − ŵ)ᵀ XᵀX (w − ŵ).
 * Weights are rounded one by one, and what an error does to the output is made up for by those still to come: the method of GPTQ (Frantar et al. 2022),
 * here as Babai's nearest plane in the lattice that the Cholesky factor of XᵀX spans, which is the same algorithm without an inverse. In a
 * depthwise layer this keeps the sum of each kernel; rounding to nearest shifts flat areas by far more than its error seems to allow.
 */
import type { Graph, Node } from "../graph/graph.ts";
import { clamp, quantizeWeights, roundEven, type Tensor } from "../tensor/index.ts";
import { type LayerView, layerView } from "./layer-view.ts";
import type { Moments } from "./moments.ts";

/** Added to the diagonal, as a share of its mean: keeps weights that nothing was read by near where they were. */
const DAMPING = 0.01;

/** The weights of a linear layer on their symmetric grid with a scale for each slice along `axis`; without moments, each to the nearest. */
export function roundWeights(graph: Graph, node: Node, axis: number, moments: Moments | undefined): Tensor {
  const weights = graph.constants.get(node.inputs[1])!;
  const nearest = quantizeWeights(weights, axis);
  const view = moments && layerView(graph, node);
  if (!view) return nearest;
  const data = Int8Array.from(nearest.data);
  for (let group = 0; group < view.groups; group++) roundGroup(view, group, moments[group], weights, nearest.quant!.scale, data);
  return { ...nearest, data };
}

function roundGroup(view: LayerView, group: number, moments: Float64Array, weights: Tensor, scale: Float32Array, data: Int8Array): void {
  const { k } = view;
  // What is read with the most energy is rounded first, from the end: it has the least to be made up for by others.
  const order = Array.from({ length: k }, (_, r) => r).sort((a, b) => moments[a * k + a] - moments[b * k + b]);
  const lower = cholesky(permuted(moments, order), k);
  const residual = new Float64Array(k);
  const perGroup = view.outputs / view.groups;
  for (let output = group * perGroup; output < (group + 1) * perGroup; output++) {
    for (let i = k - 1; i >= 0; i--) {
      const at = view.weight(output, order[i]);
      // Column i of the lower factor is row i of the upper one.
      let made = 0;
      for (let j = i + 1; j < k; j++) made += lower[j * k + i] * residual[j];
      const wanted = weights.data[at] + made / lower[i * k + i];
      data[at] = clamp(roundEven(wanted / scale[output]), -127, 127);
      residual[i] = weights.data[at] - data[at] * scale[output];
    }
  }
}

/** The damped matrix with rows and columns in `order`, its lower triangle. */
function permuted(matrix: Float64Array, order: readonly number[]): Float64Array {
  const k = order.length;
  let trace = 0;
  for (let i = 0; i < k; i++) trace += matrix[i * k + i];
  const damping = (DAMPING * trace) / k || 1;
  const out = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j <= i; j++) {
      const [row, column] = order[i] > order[j] ? [order[i], order[j]] : [order[j], order[i]];
      out[i * k + j] = matrix[row * k + column] + (i === j ? damping : 0);
    }
  }
  return out;
}

/** The lower factor L of a positive definite matrix, L Lᵀ = A, in place of its lower triangle. */
function cholesky(a: Float64Array, k: number): Float64Array {
  for (let i = 0; i < k; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * k + j];
      for (let p = 0; p < j; p++) sum -= a[i * k + p] * a[j * k + p];
      a[i * k + j] = i === j ? Math.sqrt(Math.max(sum, Number.MIN_VALUE)) : sum / a[j * k + j];
    }
  }
  return a;
}
