import { gridOfRange, type Quant } from "../tensor/index.ts";
import { BINS, type Histogram, type Range } from "./histogram.ts";

/** How the range of a grid is chosen from what calibration saw. */
export type Observer =
  | { readonly kind: "minmax" }
  /** Leaves out (100 − percentile) % of the elements, half at either end. */
  | { readonly kind: "percentile"; readonly percentile: number }
  /** The range with the least squared error of quantization. */
  | { readonly kind: "mse" };

export const OBSERVERS: Readonly<Record<Observer["kind"], string>> = {
  minmax: "the whole range that calibration saw",
  percentile: "the range without the outermost elements",
  mse: "the range with the least squared quantization error",
};

/** The i8 grid of a value under an observer. */
export function gridOf(histogram: Histogram, observer: Observer): Quant {
  const { min, max } = rangeOf(histogram, observer);
  return gridOfRange(min, max);
}

function rangeOf(histogram: Histogram, observer: Observer): Range {
  switch (observer.kind) {
    case "minmax":
      return histogram;
    case "percentile":
      return percentileRange(histogram, observer.percentile);
    case "mse":
      return leastErrorRange(histogram);
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

/**
 * Tries ranges that are cut off at either end, and keeps the one whose expected squared error is least: elements inside fall uniformly
 * within a step of the grid (step² / 12), elements outside lose their distance to the end.
 */
function leastErrorRange(histogram: Histogram): Range {
  const { min, max } = histogram;
  let best: Range = histogram;
  let least = expectedError(histogram, best);
  // Cut the longer side first: the range is narrowed to ±limit, then each end is refined by itself.
  const reach = Math.max(-min, max);
  const consider = (range: Range): void => {
    const error = expectedError(histogram, range);
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
