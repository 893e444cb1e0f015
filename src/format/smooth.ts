/** Neighbours on either side of which the median is taken. */
const REACH = 6;

/** Square roots of counts averaged over neighbours. What stands out from its neighbours beyond chance keeps its count and takes no part. */
export class Smoother {
  private readonly known = new Map<number, Float64Array>();
  private outliers?: Uint8Array;
  /** Counts that take part in averages, and how many they are, before each place of three turns around the symbols. */
  private readonly sums = new Float64Array(3 * 256 + 1);
  private readonly parts = new Uint16Array(3 * 256 + 1);

  constructor(private readonly counts: Uint32Array) {}

  /** Averages over 2·width + 1 symbols, modulo 256. */
  roots(width: number): Float64Array {
    const roots = this.known.get(width) ?? this.smoothed(width);
    this.known.set(width, roots);
    return roots;
  }

  private smoothed(width: number): Float64Array {
    const { counts, sums, parts } = this;
    const outliers = this.outliers ?? this.findOutliers();
    const roots = new Float64Array(256);
    for (let s = 0; s < 256; s++) {
      const from = 256 + s - width;
      const to = 256 + s + width + 1;
      roots[s] = Math.sqrt(outliers[s] ? counts[s] : (sums[to] - sums[from]) / (parts[to] - parts[from]));
    }
    return roots;
  }

  private findOutliers(): Uint8Array {
    const { counts, sums, parts } = this;
    const outliers = new Uint8Array(256);
    const window = new Uint32Array(2 * REACH + 1);
    for (let s = -REACH; s < 256 + REACH; s++) {
      if (s > REACH) remove(window, counts[(s - 2 * REACH - 1) & 255]);
      insert(window, Math.min(s + REACH, 2 * REACH), counts[s & 255]);
      const middle = s - REACH;
      if (middle < 0) continue;
      const median = window[REACH];
      if (counts[middle] - median > 4 * Math.sqrt(median + 1)) outliers[middle] = 1;
    }
    for (let i = 0; i < 3 * 256; i++) {
      const s = i & 255;
      sums[i + 1] = sums[i] + (outliers[s] ? 0 : counts[s]);
      parts[i + 1] = parts[i] + (outliers[s] ? 0 : 1);
    }
    this.outliers = outliers;
    return outliers;
  }
}

/** Adds a value to the `length` first, which are sorted. */
function insert(sorted: Uint32Array, length: number, value: number): void {
  let i = length;
  for (; i > 0 && sorted[i - 1] > value; i--) sorted[i] = sorted[i - 1];
  sorted[i] = value;
}

/** Takes one of this value out; what is above it moves down. */
function remove(sorted: Uint32Array, value: number): void {
  sorted.copyWithin(sorted.indexOf(value), sorted.indexOf(value) + 1);
}
