/**
 * Rounding of weights to their grid that minimizes the error of the layer's output, not of each weight: Σ |X(w − ŵ)|² = (w − ŵ)ᵀ XᵀX (w − ŵ).
 * Weights are rounded one by one, and what an error does to the output is made up for by those still to come: the method of GPTQ (Frantar et al. 2022),
 * here as Babai's nearest plane in the lattice that the Cholesky factor of XᵀX spans, which is the same algorithm without an inverse. In a
 * depthwise layer this keeps the sum of each kernel; rounding to nearest shifts flat areas by far more than its error seems to allow.
 *
 * Two things may weigh in: weights that are removed are rounded to 0 whatever they were, and the others make up for it (SparseGPT, Frantar and
 * Alistarh 2023); and integers that take more bits in the file may cost more (entropy-constrained quantization, Chou et al. 1989).
 */
import type { Graph, Node } from "../graph/graph.ts";
import { elementCount, type Shape, scaleIndex, type Tensor } from "../tensor/index.ts";
import { type LayerView, layerView } from "./layer-view.ts";
import { blocksOf, type Moments } from "./moments.ts";
import { cholesky } from "./prune/cholesky.ts";
import { type Rate, rateOf } from "./rate.ts";
import { gridOfWeights, INT8_WEIGHTS, type LayerWeights, type WeightGrid, type WeightScheme } from "./weight-grid.ts";

/** Added to the diagonal, as a share of its mean: keeps weights that nothing was read by near where they were. */
const DAMPING = 0.01;

export interface RoundOptions {
  readonly grid: WeightScheme | WeightGrid;
  /** 1 for each weight that is 0 in the result. */
  readonly removed?: ArrayLike<number>;
  /** What a bit of the file may cost in squared error of the layer's outputs, summed over the patches of the moments. */
  readonly perBit?: number;
}

/** Passes with a price for bits: what integers cost is known from the pass before. */
const PRICED_PASSES = 2;

/** A linear layer whose weights are rounded, maybe several times: what depends on its moments alone is done once. */
export class Rounder {
  readonly weights: LayerWeights;
  readonly #view: LayerView;
  readonly #factors: readonly Factor[];

  /** Without moments, weights are rounded to nearest. Slices along `axis` of the weights are outputs. */
  constructor(graph: Graph, node: Node, axis: number, moments: Moments | undefined) {
    const { shape, data } = graph.constants.get(node.inputs[1])!;
    this.#view = layerView(graph, node) ?? sliceView(shape, axis);
    this.#factors = factorsOf(this.#view, moments);
    this.weights = { shape, data, axis, reduced: reducedAxis(shape, axis), importance: importanceOf(this.#view, moments) };
  }

  /** By how much the squared error of outputs grows with that of a weight, on average, when those rounded after it make up for it. */
  get stiffness(): number {
    const squares = this.#factors.map(({ order, upper }) => order.reduce((sum, _, i) => sum + upper[i * (order.length + 1)] ** 2, 0));
    return squares.reduce((sum, v) => sum + v, 0) / (this.#view.k * this.#view.groups);
  }

  /** The weights on their grid. */
  round({ grid, removed, perBit }: RoundOptions): Tensor {
    const { shape, data } = this.weights;
    const on = "nearest" in grid ? grid : gridOfWeights(this.weights, grid);
    const pass = (rate?: Rate): Int8Array => {
      const rounded = new Int8Array(data.length);
      for (const factor of this.#factors) roundBlock(this.#view, factor, this.weights, on, rounded, removed, rate);
      return rounded;
    };
    let rounded = pass();
    if (perBit) for (let i = 0; i < PRICED_PASSES; i++) rounded = pass(rateOf(rounded, perBit));
    return { dtype: "i8", shape, quant: on.quant, data: rounded };
  }
}

/** The axis that an output sums over, if it is one: of a matrix product, or of a convolution with a kernel of one tap. */
function reducedAxis(shape: Shape, axis: number): number | undefined {
  const others = shape.flatMap((d, i) => (i !== axis && d > 1 ? [i] : []));
  return others.length === 1 ? others[0] : undefined;
}

/** The diagonal of the moments, by place in the weights; 1 without them. */
function importanceOf(view: LayerView, moments: Moments | undefined): Float32Array {
  const importance = new Float32Array(view.outputs * view.k).fill(1);
  if (!moments) return importance;
  const blocks = blocksOf(view.k);
  const perGroup = view.outputs / view.groups;
  for (let output = 0; output < view.outputs; output++) {
    const group = Math.floor(output / perGroup);
    blocks.forEach(({ first, length }, block) => {
      const matrix = moments[group * blocks.length + block];
      for (let i = 0; i < length; i++) importance[view.weight(output, first + i)] = matrix[i * (length + 1)];
    });
  }
  return importance;
}

/** The weights of a linear layer on their int8 grid with a scale for each slice along `axis`; without moments, each to the nearest. */
export function roundWeights(graph: Graph, node: Node, axis: number, moments: Moments | undefined): Tensor {
  return new Rounder(graph, node, axis, moments).round({ grid: INT8_WEIGHTS });
}

/** Outputs as slices along an axis, for operators whose patches nobody knows. */
function sliceView(shape: Shape, axis: number): LayerView {
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const outputs = shape[axis];
  return {
    outputs,
    groups: 1,
    k: elementCount(shape) / outputs,
    patches: 0,
    weight: (output, r) => (Math.floor(r / inner) * outputs + output) * inner + (r % inner),
    patch: () => {},
  };
}

/** One block of a group's patches in the order in which it is rounded, from the end, and its Cholesky factor. */
interface Factor {
  readonly group: number;
  /** Places in the patch. */
  readonly order: readonly number[];
  /** Column i of the lower factor is row i here. */
  readonly upper: Float64Array;
}

function factorsOf(view: LayerView, moments: Moments | undefined): Factor[] {
  const blocks = blocksOf(view.k);
  return Array.from({ length: view.groups }, (_, group) =>
    blocks.map(({ first, length }, block): Factor => {
      const matrix = moments?.[group * blocks.length + block];
      const places = Array.from({ length }, (_, r) => r);
      // What is read with the most energy is rounded first: it has the least to be made up for by others.
      const order = matrix ? places.sort((a, b) => matrix[a * length + a] - matrix[b * length + b]) : places;
      return { group, order: order.map((r) => first + r), upper: matrix ? factorOf(matrix, order) : identity(length) };
    }),
  ).flat();
}

function roundBlock(
  view: LayerView,
  { group, order, upper }: Factor,
  { shape, data }: LayerWeights,
  { quant, nearest }: WeightGrid,
  rounded: Int8Array,
  removed: ArrayLike<number> | undefined,
  rate: Rate | undefined,
): void {
  const k = order.length;
  const residual = new Float64Array(k);
  const perGroup = view.outputs / view.groups;
  const sliceOf = scaleIndex(shape, quant);
  for (let output = group * perGroup; output < (group + 1) * perGroup; output++) {
    for (let i = k - 1; i >= 0; i--) {
      const at = view.weight(output, order[i]);
      const slice = sliceOf(at);
      const step = quant.scale[slice];
      const row = i * k;
      let made = 0;
      for (let j = i + 1; j < k; j++) made += upper[row + j] * residual[j];
      const wanted = (data[at] + made / upper[row + i]) / step;
      let chosen = 0;
      if (!removed?.[at]) {
        chosen = nearest(wanted, slice);
        if (rate) chosen = rate.cheapest(wanted, chosen, (upper[row + i] * step) ** 2);
      }
      rounded[at] = chosen;
      residual[i] = data[at] - chosen * step;
    }
  }
}

function identity(k: number): Float64Array {
  const out = new Float64Array(k * k);
  for (let i = 0; i < k; i++) out[i * (k + 1)] = 1;
  return out;
}

/** The transposed Cholesky factor of the damped matrix, with rows and columns in `order`: the upper triangle. */
function factorOf(matrix: Float64Array, order: readonly number[]): Float64Array {
  const k = order.length;
  let trace = 0;
  for (let i = 0; i < k; i++) trace += matrix[i * (k + 1)];
  const damping = (DAMPING * trace) / k || 1;
  const damped = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j <= i; j++) {
      const [row, column] = order[i] > order[j] ? [order[i], order[j]] : [order[j], order[i]];
      damped[i * k + j] = matrix[row * k + column] + (i === j ? damping : 0);
    }
  }
  const lower = cholesky(damped, k);
  const upper = new Float64Array(k * k);
  for (let i = 0; i < k; i++) for (let j = 0; j <= i; j++) upper[j * k + i] = lower[i * k + j];
  return upper;
}
