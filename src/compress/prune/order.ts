/** Fewer numbers than this are sorted by comparing. */
const FEW = 4096;
const DIGITS = 1 << 16;

/**
 * The places of numbers ≥ 0 in ascending order, equal ones in the order in which they stand; NaN comes last. Numbers are told apart as floats of 32 bits, whose bits are in the order of
 * their values: a radix sort of two digits, since comparisons take minutes for millions of weights.
 */
export function orderOf(numbers: ArrayLike<number>): Uint32Array {
  const keys = new Uint32Array(Float32Array.from(numbers).buffer);
  const places = Uint32Array.from({ length: keys.length }, (_, i) => i);
  if (keys.length < FEW) return places.sort((a, b) => keys[a] - keys[b] || a - b);
  return byDigit(
    byDigit(places, (i) => keys[i] & (DIGITS - 1)),
    (i) => keys[i] >>> 16,
  );
}

function byDigit(places: Uint32Array, digit: (place: number) => number): Uint32Array {
  const next = new Uint32Array(DIGITS + 1);
  for (const place of places) next[digit(place) + 1]++;
  for (let d = 0; d < DIGITS; d++) next[d + 1] += next[d];
  const sorted = new Uint32Array(places.length);
  for (const place of places) sorted[next[digit(place)]++] = place;
  return sorted;
}
