import { Elements } from "../lib/element";
import { Wide } from "../lib/wide";

/**
 * Ranks n slices that lie `step` elements apart by their elements, largest first (smallest where `least`), of equals the first. A slice is `outer` runs of
 * `inner` elements, n · step apart. One ranking at a time: functions have no closures here.
 */
export class Ranking {
  static element: i32 = 0;
  static least: bool = false;
  static a: usize = 0;
  static n: i32 = 0;
  static step: i32 = 0;
  static outer: i32 = 0;
  static inner: i32 = 0;

  static of(element: i32, least: bool, a: usize, n: i32, step: i32, outer: i32, inner: i32): void {
    Ranking.element = element;
    Ranking.least = least;
    Ranking.a = a;
    Ranking.n = n;
    Ranking.step = step;
    Ranking.outer = outer;
    Ranking.inner = inner;
  }

  /** Whether slices i and j have the same elements. */
  static same(i: i32, j: i32): bool {
    return compare(i, j) === 0;
  }

  /** The k best of all n slices, k from 1 to n, in order: their places as i32 at `heap`. */
  static best(heap: usize, k: i32): void {
    for (let j = 0; j < k; j++) store<i32>(heap + (j << 2), j);
    build(heap, k);
    for (let j = k; j < Ranking.n; j++) {
      if (!before(j, load<i32>(heap))) continue;
      store<i32>(heap, j);
      sift(heap, 0, k);
    }
    drain(heap, k);
  }

  /** Puts `count` places that lie at `heap` in order. */
  static sort(heap: usize, count: i32): void {
    build(heap, count);
    drain(heap, count);
  }
}

/** Makes a heap of n entries whose root is the last in order. */
function build(heap: usize, n: i32): void {
  for (let at = (n >> 1) - 1; at >= 0; at--) sift(heap, at, n);
}

/** Takes the root away to the end until all stand in order. */
function drain(heap: usize, n: i32): void {
  for (let end = n - 1; end > 0; end--) {
    const last = load<i32>(heap);
    store<i32>(heap, load<i32>(heap + (end << 2)));
    store<i32>(heap + (end << 2), last);
    sift(heap, 0, end);
  }
}

/** Less than 0 where slice i goes before slice j, 0 where they are the same. */
function compare(i: i32, j: i32): i32 {
  const element = Ranking.element;
  const shift = Elements.shift(element);
  for (let o = 0; o < Ranking.outer; o++) {
    let p = Ranking.a + (((o * Ranking.n + i) * Ranking.step) << shift);
    let q = Ranking.a + (((o * Ranking.n + j) * Ranking.step) << shift);
    for (let k = 0; k < Ranking.inner; k++, p += 1 << shift, q += 1 << shift) {
      const x = Wide.load(p, element);
      const y = Wide.load(q, element);
      if (x !== y) return x < y === Ranking.least ? -1 : 1;
    }
  }
  return 0;
}

function before(i: i32, j: i32): bool {
  const order = compare(i, j);
  return order < 0 || (order === 0 && i < j);
}

/** Lets the entry at `at` sink in a heap of n. */
function sift(heap: usize, at: i32, n: i32): void {
  const entry = load<i32>(heap + (at << 2));
  for (let child = 2 * at + 1; child < n; child = 2 * at + 1) {
    if (child + 1 < n && before(load<i32>(heap + (child << 2)), load<i32>(heap + ((child + 1) << 2)))) child++;
    const below = load<i32>(heap + (child << 2));
    if (!before(entry, below)) break;
    store<i32>(heap + (at << 2), below);
    at = child;
  }
  store<i32>(heap + (at << 2), entry);
}
