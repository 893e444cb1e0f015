/** What calibration remembers of a value: its range, then how its elements spread over that range. */

export const BINS = 2048;

export interface Range {
  min: number;
  max: number;
}

/** Equal bins over the range min..max, zero included in it. */
export interface Histogram extends Range {
  readonly counts: Float64Array;
  /** The range that a single item has on average, where items were told apart. */
  readonly average?: Readonly<Range>;
}

export const emptyRange = (): Range => ({ min: 0, max: 0 });

/** The range of a value over all items, and the sums of the ranges that single items have. */
export interface Ranges extends Range {
  items: number;
  minima: number;
  maxima: number;
}

export const emptyRanges = (): Ranges => ({ min: 0, max: 0, items: 0, minima: 0, maxima: 0 });

/** Adds what one item has of a value. */
export function observeItem(ranges: Ranges, data: ArrayLike<number>): void {
  const one = emptyRange();
  observeRange(one, data);
  ranges.min = Math.min(ranges.min, one.min);
  ranges.max = Math.max(ranges.max, one.max);
  ranges.items++;
  ranges.minima += one.min;
  ranges.maxima += one.max;
}

/** Widens a range by finite elements; NaN and infinities are left out. */
export function observeRange(range: Range, data: ArrayLike<number>): void {
  let { min, max } = range;
  for (let i = 0; i < data.length; i++) {
    const v = data[i];
    if (v < min && v !== Number.NEGATIVE_INFINITY) min = v;
    if (v > max && v !== Number.POSITIVE_INFINITY) max = v;
  }
  range.min = min;
  range.max = max;
}

export function histogramOf({ min, max, items, minima, maxima }: Range & Partial<Ranges>): Histogram {
  return { min, max, counts: new Float64Array(BINS), ...(items && { average: { min: minima! / items, max: maxima! / items } }) };
}

export function observeCounts(histogram: Histogram, data: ArrayLike<number>): void {
  const { min, max, counts } = histogram;
  const scale = max > min ? BINS / (max - min) : 0;
  for (let i = 0; i < data.length; i++) {
    const bin = Math.floor((data[i] - min) * scale);
    // NaN and infinities have no bin; the maximum belongs to the last one.
    if (bin >= 0 && bin <= BINS) counts[Math.min(bin, BINS - 1)]++;
  }
}
