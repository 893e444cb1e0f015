/**
 * Random numbers in 0 ≤ x < 1 from a 32-bit seed: mulberry32 (Tommy Ettinger, public domain). Integer arithmetic and one exact division,
 * so every engine gives the same sequence.
 */
export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
  };
}

/** Random numbers for one item of many, which depend on the seed and its index alone. */
export const itemRandom = (seed: number, index: number): (() => number) =>
  mulberry32(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));

/** A standard normal number, by Box and Muller. */
export const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/**
 * `take` of the indices 0..count−1 without replacement, ascending, each set equally likely; all of them where `take` ≥ `count`.
 * Selection sampling: Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S.
 */
export function sampleIndices(count: number, take: number, seed: number): number[] {
  const random = mulberry32(seed);
  const chosen: number[] = [];
  const wanted = Math.min(take, count);
  for (let i = 0; chosen.length < wanted; i++) {
    if (random() * (count - i) < wanted - chosen.length) chosen.push(i);
  }
  return chosen;
}
