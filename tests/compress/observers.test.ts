import { describe, expect, it } from "vitest";
import {
  BINS,
  emptyRange,
  emptyRanges,
  type Histogram,
  histogramOf,
  observeCounts,
  observeItem,
  observeRange,
} from "../../src/compress/histogram.ts";
import { gridOf } from "../../src/compress/observers.ts";
import { type Quant, quantizeValue } from "../../src/tensor/index.ts";

function histogramFor(data: readonly number[]): Histogram {
  const range = emptyRange();
  observeRange(range, data);
  const histogram = histogramOf(range);
  observeCounts(histogram, data);
  return histogram;
}

const ends = ({ scale, zero }: Quant): readonly number[] => [(-128 - zero) * scale[0], (127 - zero) * scale[0]];

function squaredError(data: readonly number[], { scale, zero }: Quant): number {
  return data.reduce((sum, v) => sum + (v - (quantizeValue(v, scale[0], zero) - zero) * scale[0]) ** 2, 0);
}

/** Bell-shaped in −1..1, with one element far out. */
const bell = Array.from({ length: 20_000 }, (_, i) => Math.sin(i * 1.7) * Math.cos(i * 0.37) * Math.sin(i * 0.011));
const withOutlier = [...bell, 6];

describe("histograms", () => {
  it("count each finite element once, the maximum in the last bin", () => {
    const histogram = histogramFor([-1, 0, 0.5, 3]);
    expect([histogram.min, histogram.max]).toEqual([-1, 3]);
    expect(histogram.counts.reduce((a, b) => a + b)).toBe(4);
    expect(histogram.counts[BINS - 1]).toBe(1);
  });

  it("leave out NaN and infinities, and keep zero in the range", () => {
    const histogram = histogramFor([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2, 4]);
    expect([histogram.min, histogram.max]).toEqual([0, 4]);
    expect(histogram.counts.reduce((a, b) => a + b)).toBe(2);
  });
});

describe("observers", () => {
  it("minmax covers the whole range", () => {
    const [low, high] = ends(gridOf(histogramFor(withOutlier), { kind: "minmax" }));
    expect(high).toBeGreaterThan(5.9);
    expect(low).toBeLessThan(-0.9);
  });

  it("average takes the mean of single items' ranges", () => {
    const ranges = emptyRanges();
    for (const item of [
      [-1, 3],
      [-3, 1],
      [2, 8],
    ])
      observeItem(ranges, item);
    const [low, high] = ends(gridOf(histogramOf(ranges), { kind: "average" }));
    expect(low).toBeCloseTo(-4 / 3, 1);
    expect(high).toBeCloseTo(4, 1);
  });

  it("entropy cuts an outlier off, and keeps the whole range of what fills it evenly", () => {
    const [, high] = ends(gridOf(histogramFor([...Array(20).fill(bell).flat(), 6]), { kind: "entropy" }));
    expect(high).toBeLessThan(2);
    const even = Array.from({ length: 40_960 }, (_, i) => (i % 4096) / 4096);
    expect(ends(gridOf(histogramFor(even), { kind: "entropy" }))[1]).toBeGreaterThan(0.95);
  });

  it.each(["minmax", "mse", "entropy"] as const)("%s can be symmetric, with zero at 0", (kind) => {
    const { scale, zero } = gridOf(histogramFor(bell.map((v) => v + 0.5)), { kind, symmetric: true });
    expect(zero).toBe(0);
    expect(scale[0] * 127).toBeGreaterThan(1);
  });

  it("percentile leaves out the outermost elements", () => {
    const [, high] = ends(gridOf(histogramFor(withOutlier), { kind: "percentile", percentile: 99.9 }));
    expect(high).toBeLessThan(1.1);
  });

  it("mse rounds with less error than minmax where there are outliers, and no more elsewhere", () => {
    const error = (data: readonly number[], kind: "mse" | "minmax") => squaredError(data, gridOf(histogramFor(data), { kind }));
    const manyOutliers = [...bell, 1.6, 1.6, -1.4];
    expect(error(manyOutliers, "mse")).toBeLessThanOrEqual(error(manyOutliers, "minmax"));
    expect(error(bell, "mse")).toBeLessThanOrEqual(1.02 * error(bell, "minmax"));
  });

  it("values that are always zero get scale 1", () => {
    expect(gridOf(histogramFor([0, 0]), { kind: "mse" }).scale[0]).toBe(1);
  });
});
