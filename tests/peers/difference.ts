/** Elements smaller than this share of the largest of an output are held against that share: what sums of many terms leave behind where they cancel. */
const FLOOR = 0.01;

/** An output whose elements are all smaller counts as if this were the largest: engines' sigmoids differ by their last digits near 0. */
const LEAST_PEAK = 0.1;

/** How far outputs are from others, element by element, relative to each element. */
export class RelativeDifference {
  private readonly seen = new Map<string, { readonly wanted: ArrayLike<number>; readonly actual: ArrayLike<number> }[]>();

  add(output: string, wanted: ArrayLike<number>, actual: ArrayLike<number>): void {
    if (wanted.length !== actual.length) throw new RangeError(`${output} has ${actual.length} elements, not ${wanted.length}`);
    this.seen.set(output, [...(this.seen.get(output) ?? []), { wanted, actual: Float32Array.from(actual) }]);
  }

  /**
   * The largest over all elements of |actual − wanted| / max(|wanted|, 1 % of the largest of that output over all inputs, 0.001); infinite where one is no
   * number and the other is.
   */
  get largest(): number {
    return [...this.seen.values()].reduce((most, runs) => Math.max(most, differenceOf(runs)), 0);
  }
}

function differenceOf(runs: readonly { readonly wanted: ArrayLike<number>; readonly actual: ArrayLike<number> }[]): number {
  const peak = runs.reduce((most, { wanted }) => Array.from(wanted).reduce((a, v) => Math.max(a, Math.abs(v)), most), LEAST_PEAK);
  const each = ({ wanted, actual }: (typeof runs)[number]): number =>
    Array.from(wanted).reduce((most, want, i) => {
      if (want === actual[i]) return most;
      const share = Math.abs(actual[i] - want) / Math.max(Math.abs(want), FLOOR * peak);
      return Number.isNaN(share) ? Number.POSITIVE_INFINITY : Math.max(most, share);
    }, 0);
  return runs.reduce((most, run) => Math.max(most, each(run)), 0);
}
