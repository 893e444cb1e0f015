/**
 * Grids for weights: which integers a weight may be, and what one step stands for. Whatever the grid — 8 bits or 3, ternary, a codebook — the
 * integers fit i8, so that the same kernels run them; that there are few of them is what the entropy coder is for.
 */
import { clamp, roundEven } from "../tensor/index.ts";
import type { LayerView } from "./layer-view.ts";

/** How the weights of a layer are put on a grid. */
export interface WeightScheme {
  /** Evenly spaced values, 2 to 255: 255 is int8, 15 int4 without its lowest, 3 ternary. */
  readonly levels: number;
  /** In place of evenly spaced values, as many as this, found by k-means (Han et al. 2016, without the training). */
  readonly codebook?: number;
  /** Slices of weights that have a scale of their own. */
  readonly per: "channel" | "tensor";
  /** Whether the grid has as many values below zero as above; otherwise it lies where the weights do, and has at most 128. */
  readonly symmetric: boolean;
  /** Whether the outermost weight falls on the outermost value, or the scale is that with the least squared error. */
  readonly range: "max" | "mse";
}

export const INT8_WEIGHTS: WeightScheme = { levels: 255, per: "channel", symmetric: true, range: "max" };

/** Most values of an evenly spaced grid of so many bits that is the same on both sides of zero. */
export const symmetricLevels = (bits: number): number => 2 ** bits - 1;

export interface WeightGrid {
  /** What one step stands for, for each output. */
  readonly scale: Float32Array;
  /** The allowed integer nearest to `x`, in steps. */
  nearest(x: number, output: number): number;
}

/** Weights of a layer by output and place in the patch, and how much the outputs' squared error grows with that of each place. */
export interface LayerWeights {
  readonly outputs: number;
  readonly k: number;
  weight(output: number, r: number): number;
  importance(output: number, r: number): number;
}

/** Reads a layer's weights through its view; without moments, every place is as important. */
export function layerWeights(view: LayerView, data: ArrayLike<number>, energy?: (group: number, r: number) => number): LayerWeights {
  const perGroup = view.outputs / view.groups;
  return {
    outputs: view.outputs,
    k: view.k,
    weight: (output, r) => data[view.weight(output, r)],
    importance: (output, r) => energy?.(Math.floor(output / perGroup), r) ?? 1,
  };
}

/** The grid of a scheme for these weights. */
export function gridOfWeights(weights: LayerWeights, scheme: WeightScheme): WeightGrid {
  return scheme.codebook ? codebookGrid(weights, scheme, scheme.codebook) : evenGrid(weights, scheme);
}

/** Factors of the largest range among which the one with the least error is found. */
const FACTORS = Array.from({ length: 36 }, (_, i) => 1 - i / 48);

interface Span {
  readonly scale: number;
  readonly lo: number;
  readonly hi: number;
}

function evenGrid(weights: LayerWeights, { levels, per, symmetric, range }: WeightScheme): WeightGrid {
  const every = Array.from({ length: weights.outputs }, (_, output) => output);
  const spanOf = (outputs: readonly number[]): Span => {
    const [min, max] = extremes(weights, outputs);
    const whole = spanOver(min, max, levels, symmetric);
    if (range === "max") return whole;
    const candidates = FACTORS.map((factor) => spanOver(min * factor, max * factor, levels, symmetric));
    const errors = candidates.map((span) => squaredError(weights, outputs, span));
    return candidates[errors.indexOf(Math.min(...errors))];
  };
  const shared = per === "tensor" ? spanOf(every) : undefined;
  const spans = every.map((output) => shared ?? spanOf([output]));
  return {
    scale: Float32Array.from(spans, ({ scale }) => scale),
    nearest: (x, output) => clamp(roundEven(x), spans[output].lo, spans[output].hi),
  };
}

function extremes({ k, weight }: LayerWeights, outputs: readonly number[]): [min: number, max: number] {
  let [min, max] = [0, 0];
  for (const output of outputs) {
    for (let r = 0; r < k; r++) {
      const w = weight(output, r);
      if (w < min) min = w;
      if (w > max) max = w;
    }
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

function squaredError({ k, weight, importance }: LayerWeights, outputs: readonly number[], { scale, lo, hi }: Span): number {
  let error = 0;
  for (const output of outputs) {
    for (let r = 0; r < k; r++) {
      const w = weight(output, r);
      const apart = w - scale * clamp(Math.round(w / scale), lo, hi);
      error += importance(output, r) * apart * apart;
    }
  }
  return error;
}

/** Outermost integer of a codebook: its values lie on the finest grid that kernels know. */
const FINEST = 127;
const LLOYD_STEPS = 30;

/** All outputs share the values, in steps of a scale that each output (or the layer) has; 0 is among them, so that what is pruned stays so. */
function codebookGrid(weights: LayerWeights, { per }: WeightScheme, size: number): WeightGrid {
  const { outputs, k, weight, importance } = weights;
  const fine = evenGrid(weights, { levels: 2 * FINEST + 1, per, symmetric: true, range: "max" });
  // How much weight lies at each integer of the fine grid, and how important it is.
  const mass = new Float64Array(2 * FINEST + 1);
  for (let output = 0; output < outputs; output++) {
    const step = fine.scale[output];
    for (let r = 0; r < k; r++) mass[fine.nearest(weight(output, r) / step, output) + FINEST] += importance(output, r) * step * step;
  }
  const values = kMeans(mass, size);
  const nearestOf = Int8Array.from({ length: 2 * FINEST + 1 }, (_, i) =>
    values.reduce((best, v) => (Math.abs(v - (i - FINEST)) < Math.abs(best - (i - FINEST)) ? v : best)),
  );
  return { scale: fine.scale, nearest: (x) => nearestOf[clamp(roundEven(x), -FINEST, FINEST) + FINEST] };
}

/** Lloyd's algorithm on integers −127..127 that weigh `mass`, evenly spread at first; one centre stays at 0. */
function kMeans(mass: Float64Array, size: number): readonly number[] {
  const used = Array.from(mass, (m, i) => (m > 0 ? i - FINEST : 0));
  const [min, max] = [Math.min(0, ...used), Math.max(0, ...used)];
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

/** The evenly spaced grid that a step leads to: the same for all outputs but those with weights that i8 cannot reach. */
export function steppedGrid({ outputs, k, weight }: LayerWeights, step: number): WeightGrid {
  const scale = Float32Array.from({ length: outputs }, (_, output) => {
    let largest = 0;
    for (let r = 0; r < k; r++) largest = Math.max(largest, Math.abs(weight(output, r)));
    return Math.max(step, largest / FINEST) || 1;
  });
  return { scale, nearest: (x) => clamp(roundEven(x), -FINEST, FINEST) };
}
