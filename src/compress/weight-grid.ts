/**
 * Grids for weights: which integers a weight may be, and what one step stands for. Whatever the grid — 8 bits or 3, ternary, a codebook — the
 * integers fit i8, so that the same kernels run them; that there are few of them is what the entropy coder is for.
 */
import { blockedShape, clamp, elementCount, type Quant, roundEven, type Shape, scaleIndex } from "../tensor/index.ts";

/** How the weights of a layer are put on a grid. */
export interface WeightScheme {
  /** Evenly spaced values, 2 to 255: 255 is int8, 15 int4 without its lowest, 3 ternary. */
  readonly levels: number;
  /** In place of evenly spaced values, as many as this, found by k-means (Han et al. 2016, without the training). */
  readonly codebook?: number;
  /** Weights that share a scale: those of an output, of the whole layer, or so many neighbours among those that an output sums over. */
  readonly per: "channel" | "tensor" | { readonly group: number };
  /** Whether the grid has as many values below zero as above; otherwise it lies where the weights do, and has at most 128. */
  readonly symmetric: boolean;
  /** Whether the outermost weight falls on the outermost value, or the scale is that with the least squared error. */
  readonly range: "max" | "mse";
}

export const INT8_WEIGHTS: WeightScheme = { levels: 255, per: "channel", symmetric: true, range: "max" };

export interface WeightGrid {
  readonly quant: Quant;
  /** The allowed integer nearest to `x`, in steps of the scale at `slice`. */
  nearest(x: number, slice: number): number;
}

/** A layer's weights and how much the outputs' squared error grows with that of each. */
export interface LayerWeights {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
  readonly importance: ArrayLike<number>;
  /** Outputs lie along it. */
  readonly axis: number;
  /** What an output sums over lies along it, where it lies along one. */
  readonly reduced?: number;
}

/** The grid of a scheme for these weights. Where groups are asked for and what an output sums over has several axes, each output has a scale. */
export function gridOfWeights(weights: LayerWeights, scheme: WeightScheme): WeightGrid {
  return scheme.codebook ? codebookGrid(weights, scheme, scheme.codebook) : evenGrid(weights, scheme);
}

/** The evenly spaced grid that a step leads to: the same for all outputs but those with weights that i8 cannot reach. */
export function steppedGrid(weights: LayerWeights, step: number): WeightGrid {
  const { slices, quant } = slicesOf(weights, "channel");
  const scale = Float32Array.from(slices, (slice) => {
    const largest = slice.reduce((most, at) => Math.max(most, Math.abs(weights.data[at])), 0);
    return Math.max(step, largest / FINEST) || 1;
  });
  return { quant: { ...quant, scale }, nearest: (x) => clamp(roundEven(x), -FINEST, FINEST) };
}

/** Which weights share a scale, by their places in the data, and how a grid says so. */
function slicesOf(
  { shape, data, axis, reduced }: LayerWeights,
  per: WeightScheme["per"],
): { readonly slices: readonly (readonly number[])[]; readonly quant: Omit<Quant, "scale"> } {
  const block = typeof per === "object" && reduced !== undefined ? { axis: reduced, size: per.group } : undefined;
  const quant: Omit<Quant, "scale"> = block ? { zero: 0, block } : { zero: 0, axis };
  const slice = scaleIndex(shape, quant);
  const count = quant.block ? elementCount(blockedShape(shape, quant.block)) : shape[axis];
  const slices = Array.from({ length: count }, (): number[] => []);
  for (let at = 0; at < data.length; at++) slices[slice(at)].push(at);
  return { slices, quant };
}

/** Factors of the largest range among which the one with the least error is found. */
const FACTORS = Array.from({ length: 36 }, (_, i) => 1 - i / 48);

interface Span {
  readonly scale: number;
  readonly lo: number;
  readonly hi: number;
}

function evenGrid(weights: LayerWeights, { levels, per, symmetric, range }: WeightScheme): WeightGrid {
  const spanOf = (slice: readonly number[]): Span => {
    const [min, max] = extremes(weights, slice);
    const whole = spanOver(min, max, levels, symmetric);
    if (range === "max") return whole;
    const candidates = FACTORS.map((factor) => spanOver(min * factor, max * factor, levels, symmetric));
    const errors = candidates.map((span) => squaredError(weights, slice, span));
    return candidates[errors.indexOf(Math.min(...errors))];
  };
  const { slices, quant } = slicesOf(weights, per);
  const shared = per === "tensor" ? spanOf(slices.flat()) : undefined;
  const spans = slices.map((slice) => shared ?? spanOf(slice));
  return {
    quant: { ...quant, scale: Float32Array.from(spans, ({ scale }) => scale) },
    nearest: (x, slice) => clamp(roundEven(x), spans[slice].lo, spans[slice].hi),
  };
}

function extremes({ data }: LayerWeights, slice: readonly number[]): [min: number, max: number] {
  let [min, max] = [0, 0];
  for (const at of slice) {
    if (data[at] < min) min = data[at];
    if (data[at] > max) max = data[at];
  }
  return [min, max];
}

/** The evenly spaced grid over min..max that holds zero. */
function spanOver(min: number, max: number, levels: number, symmetric: boolean): Span {
  if (symmetric) {
    const hi = Math.floor(levels / 2);
    return { scale: Math.fround(Math.max(-min, max) / hi) || 1, lo: -hi, hi };
  }
  const scale = Math.fround((max - min) / (levels - 1)) || 1;
  const lo = Math.max(roundEven(min / scale), 1 - levels);
  return { scale, lo, hi: lo + levels - 1 };
}

function squaredError({ data, importance }: LayerWeights, slice: readonly number[], { scale, lo, hi }: Span): number {
  let error = 0;
  for (const at of slice) {
    const apart = data[at] - scale * clamp(Math.round(data[at] / scale), lo, hi);
    error += importance[at] * apart * apart;
  }
  return error;
}

/** Outermost integer of a codebook: its values lie on the finest grid that kernels know. */
const FINEST = 127;
const LLOYD_STEPS = 30;

/** All slices share the values, in steps of a scale that each has; 0 is among them, so that what is removed stays so. */
function codebookGrid(weights: LayerWeights, { per }: WeightScheme, size: number): WeightGrid {
  const fine = evenGrid(weights, { levels: 2 * FINEST + 1, per, symmetric: true, range: "max" });
  const { slices } = slicesOf(weights, per);
  // How much weight lies at each integer of the fine grid, and how important it is.
  const mass = new Float64Array(2 * FINEST + 1);
  for (const [i, slice] of slices.entries()) {
    const step = fine.quant.scale[i];
    for (const at of slice) mass[fine.nearest(weights.data[at] / step, i) + FINEST] += weights.importance[at] * step * step;
  }
  const values = kMeans(mass, size);
  const nearestOf = Int8Array.from({ length: 2 * FINEST + 1 }, (_, i) =>
    values.reduce((best, v) => (Math.abs(v - (i - FINEST)) < Math.abs(best - (i - FINEST)) ? v : best)),
  );
  return { quant: fine.quant, nearest: (x) => nearestOf[clamp(roundEven(x), -FINEST, FINEST) + FINEST] };
}

/** Lloyd's algorithm on integers −127..127 that weigh `mass`, with centres evenly spread at first; the one nearest to 0 stays there. */
function kMeans(mass: Float64Array, size: number): readonly number[] {
  const used = Array.from(mass, (m, i) => (m > 0 ? i - FINEST : 0));
  const [min, max] = [Math.min(...used), Math.max(...used)];
  let centres = Array.from({ length: size }, (_, i) => min + ((max - min) * i) / Math.max(size - 1, 1));
  for (let step = 0; step < LLOYD_STEPS; step++) {
    const zero = centres.reduce((best, c, i) => (Math.abs(c) < Math.abs(centres[best]) ? i : best), 0);
    const sums = centres.map(() => ({ mass: 0, at: 0 }));
    let nearest = 0;
    for (let i = 0; i < mass.length; i++) {
      const x = i - FINEST;
      while (nearest + 1 < centres.length && Math.abs(centres[nearest + 1] - x) <= Math.abs(centres[nearest] - x)) nearest++;
      sums[nearest].mass += mass[i];
      sums[nearest].at += mass[i] * x;
    }
    centres = centres.map((c, i) => (i === zero ? 0 : sums[i].mass > 0 ? sums[i].at / sums[i].mass : c)).sort((a, b) => a - b);
  }
  return [...new Set(centres.map(Math.round))];
}
