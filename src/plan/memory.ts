/** Static memory planning: where each buffer of the arena lies, so that buffers alive at the same time do not overlap. */

/** A buffer that is alive from record `first` to record `last`, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface ArenaLayout {
  /** Offset of each buffer, in the order given. */
  readonly offsets: readonly number[];
  readonly bytes: number;
  /** The largest sum of buffers alive at one record: no layout can be smaller. */
  readonly lowerBound: number;
}

export const ALIGNMENT = 16;

export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

const overlap = (a: Lifetime, b: Lifetime): boolean => a.first <= b.last && b.first <= a.last;

/** Orders in which greedy placement does well on different graphs; the smallest arena wins. */
const ORDERS: readonly ((a: Lifetime, b: Lifetime) => number)[] = [
  (a, b) => b.bytes - a.bytes || a.first - b.first,
  (a, b) => b.last - b.first - (a.last - a.first) || b.bytes - a.bytes,
  (a, b) => a.first - b.first || b.bytes - a.bytes,
  (a, b) => b.bytes * (b.last - b.first + 1) - a.bytes * (a.last - a.first + 1) || a.first - b.first,
];

/**
 * Greedy placement at the lowest offset that fits, over several orders
 * (greedy by size after Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, section 5).
 */
export function planMemory(lifetimes: readonly Lifetime[]): ArenaLayout {
  const sized = lifetimes.map((life) => ({ ...life, bytes: align(life.bytes) }));
  const layouts = ORDERS.map((order) => placeInOrder(sized, order));
  const best = layouts.reduce((a, b) => (b.bytes < a.bytes ? b : a));
  return { ...best, lowerBound: lowerBoundOf(sized) };
}

function placeInOrder(lifetimes: readonly Lifetime[], order: (a: Lifetime, b: Lifetime) => number): { offsets: number[]; bytes: number } {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const placed: number[] = [];
  let bytes = 0;
  const indices = lifetimes.map((_, i) => i).sort((i, j) => order(lifetimes[i], lifetimes[j]) || i - j);
  for (const i of indices) {
    let offset = 0;
    // `placed` is kept in ascending offset, so the first gap that is wide enough is the lowest.
    for (const j of placed) {
      if (!overlap(lifetimes[i], lifetimes[j])) continue;
      if (offset + lifetimes[i].bytes <= offsets[j]) break;
      offset = Math.max(offset, offsets[j] + lifetimes[j].bytes);
    }
    offsets[i] = offset;
    const at = placed.findIndex((j) => offsets[j] > offset);
    placed.splice(at < 0 ? placed.length : at, 0, i);
    bytes = Math.max(bytes, offset + lifetimes[i].bytes);
  }
  return { offsets, bytes };
}

function lowerBoundOf(lifetimes: readonly Lifetime[]): number {
  const changes = lifetimes.flatMap(({ first, last, bytes }) => [
    { at: first, bytes },
    { at: last + 0.5, bytes: -bytes },
  ]);
  changes.sort((a, b) => a.at - b.at);
  let alive = 0;
  let peak = 0;
  for (const change of changes) {
    alive += change.bytes;
    peak = Math.max(peak, alive);
  }
  return peak;
}
