import { gridOfRange, type Quant } from "../tensor/index.ts";
import { BINS, type Histogram, type Range } from "./histogram.ts";

/** How the range of a grid is chosen from what calibration saw. */
export type Observer = (
  | { readonly kind: "minmax" }
  /** The mean of the ranges that single items have: what one item alone reaches is cut off. */
  | { readonly kind: "average" }
  /** Leaves out (100 − percentile) % of the elements, half at either end. */
  | { readonly kind: "percentile"; readonly percentile: number }
  /** The range with the least squared error of quantization. */
  | { readonly kind: "mse" }
  /** The range whose grid keeps most of how elements spread: the least Kullback–Leibler divergence (Migacz 2017). */
  | { readonly kind: "entropy" }
) & {
  /** Whether the grid lies evenly around a zero point of 0, as TensorRT wants it; it costs a bit where values have one sign. */
  readonly symmetric?: boolean;
};

export const OBSERVERS: Readonly<Record<Observer["kind"], string>> = {
  minmax: "the whole range that calibration saw",
  average: "the mean of the ranges of single examples",
  percentile: "the range without the outermost elements",
  mse: "the range with the least squared quantization error",
  entropy: "the range with the least Kullback-Leibler divergence",
};

/** Observers that look at how elements spread, beside their range. */
export const NEEDS_COUNTS: ReadonlySet<Observer["kind"]> = new Set(["percentile", "mse", "entropy"]);

/** The i8 grid of a value under an observer. */
export function gridOf(histogram: Histogram, observer: Observer): Quant {
  const { min, max } = rangeOf(histogram, observer);
  if (!observer.symmetric) return gridOfRange(min, max);
  return { scale: Float32Array.of(Math.max(-min, max) / 127 || 1), zero: 0 };
}

function rangeOf(histogram: Histogram, observer: Observer): Readonly<Range> {
  switch (observer.kind) {
    case "minmax":
      return histogram;
    case "average":
      return histogram.average ?? histogram;
    case "percentile":
      return percentileRange(histogram, observer.percentile);
    case "mse":
      return bestRange(histogram, (range) => expectedError(histogram, range));
    case "entropy":
      return bestRange(histogram, (range) => divergence(histogram, range));
  }
}

function percentileRange({ min, max, counts }: Histogram, percentile: number): Range {
  const total = counts.reduce((sum, n) => sum + n, 0);
  const leave = (total * (100 - percentile)) / 200;
  const width = (max - min) / BINS;
  const firstPast = (order: (i: number) => number): number => {
    let sum = 0;
    for (let i = 0; i < BINS; i++) {
      sum += counts[order(i)];
      if (sum > leave) return i;
    }
    return 0;
  };
  return { min: min + firstPast((i) => i) * width, max: max - firstPast((i) => BINS - 1 - i) * width };
}

/** Candidates narrow the range from both ends in these steps. */
const STEPS = 40;

/** Tries ranges that are cut off at either end, and keeps the one whose cost is least. */
function bestRange(histogram: Histogram, cost: (range: Range) => number): Range {
  const { min, max } = histogram;
  let best: Range = histogram;
  let least = cost(best);
  // Cut the longer side first: the range is narrowed to ±limit, then each end is refined by itself.
  const reach = Math.max(-min, max);
  const consider = (range: Range): void => {
    const error = cost(range);
    if (error < least) {
      least = error;
      best = range;
    }
  };
  for (let step = 1; step < STEPS; step++) {
    const limit = reach * (1 - step / STEPS);
    consider({ min: Math.max(min, -limit), max: Math.min(max, limit) });
  }
  const { min: low, max: high } = best;
  for (let step = -4; step <= 4; step++) {
    const factor = 1 + step / STEPS;
    consider({ min: Math.max(min, low * factor), max: high });
    consider({ min: best.min, max: Math.min(max, high * factor) });
  }
  return best;
}

/**
 * Squared error to be expected: elements inside fall uniformly within a step of the grid (step² / 12), elements outside lose their distance to the end.
 */
function expectedError({ min, max, counts }: Histogram, range: Range): number {
  const width = (max - min) / BINS;
  const step = (range.max - range.min) / 255;
  const inside = (step * step) / 12;
  let error = 0;
  for (let i = 0; i < BINS; i++) {
    if (counts[i] === 0) continue;
    const x = min + (i + 0.5) * width;
    const past = x < range.min ? range.min - x : x > range.max ? x - range.max : 0;
    error += counts[i] * (past === 0 ? inside : past * past);
  }
  return error;
}

/** Values of an i8 grid. */
const LEVELS = 256;

/**
 * KL(P ‖ Q): P is how elements spread once those outside are moved to the ends, Q the same as a grid over the range tells it, each of whose steps is spread
 * evenly over the bins of it that have any.
 */
function divergence({ min, max, counts }: Histogram, range: Range): number {
  const width = (max - min) / BINS;
  if (width === 0 || range.max <= range.min) return 0;
  const first = Math.max(0, Math.floor((range.min - min) / width));
  const last = Math.min(BINS - 1, Math.ceil((range.max - min) / width) - 1);
  const clipped = counts.slice(first, last + 1);
  for (let i = 0; i < first; i++) clipped[0] += counts[i];
  for (let i = last + 1; i < BINS; i++) clipped[clipped.length - 1] += counts[i];
  const level = (i: number): number => Math.floor((i * LEVELS) / clipped.length);
  const [mass, bins] = [new Float64Array(LEVELS), new Float64Array(LEVELS)];
  for (let i = 0; i < clipped.length; i++) {
    mass[level(i)] += counts[first + i];
    if (clipped[i] > 0) bins[level(i)]++;
  }
  const [all, inside] = [clipped.reduce((sum, n) => sum + n, 0), mass.reduce((sum, n) => sum + n, 0)];
  let sum = 0;
  for (let i = 0; i < clipped.length; i++) {
    if (clipped[i] === 0) continue;
    const [p, q] = [clipped[i] / all, mass[level(i)] / bins[level(i)] / inside];
    // What the range's grid has no mass for is as unlikely as one element.
    sum += p * Math.log(p / Math.max(q, 1 / all));
  }
  return sum;
}
