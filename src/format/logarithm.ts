/** Logarithms in whole numbers, so that every engine weighs tables alike and writes the same bytes. */

/** Units of `log2` in a bit. */
export const BIT = 65536;

/** Logarithms of 0 to 4096, that of 0 taken as 0. */
const LOG2 = Float64Array.from({ length: 4097 }, (_, n) => (n ? Math.round(BIT * Math.log2(n)) : 0));

/** log₂ n of an integer 0 ≤ n < 2³¹ in units of 1/65536 bit; linear between the 2048 steps of an octave. */
export function log2(n: number): number {
  if (n < 4096) return LOG2[n];
  const shift = 20 - Math.clz32(n);
  const low = n >> shift;
  const rest = (n & ((1 << shift) - 1)) / (1 << shift);
  return LOG2[low] + Math.floor((LOG2[low + 1] - LOG2[low]) * rest) + shift * BIT;
}
