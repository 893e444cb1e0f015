import { Sqnr } from "../src/compress/compare.ts";

/** Decibels below which an answer is another net's: float engines sum in another order, integer ones round ties apart in every layer. */
const LEAST: Readonly<Record<string, number>> = { f32: 80, int8: 15, "int8 dynamic": 15 };

/** Signal to noise of an engine's outputs against ours, in dB, at most 150. Throws where they differ by more than rounding does. */
export function agreement(what: string, form: string, ours: readonly ArrayLike<number>[], theirs: readonly ArrayLike<number>[]): number {
  const sqnr = new Sqnr();
  for (const [i, values] of ours.entries()) {
    if (theirs[i]?.length !== values.length)
      throw new Error(`${what}: output ${i} has ${theirs[i]?.length} elements, not ${values.length}`);
    sqnr.add(Float32Array.from(values), (j) => theirs[i][j]);
  }
  if (!(sqnr.decibels >= LEAST[form])) throw new Error(`${what} differs: ${sqnr.decibels.toFixed(1)} dB`);
  return Math.min(150, sqnr.decibels);
}
