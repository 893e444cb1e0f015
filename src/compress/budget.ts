/** What a compressed model may cost, and which of several models meets it best. */
import type { Score } from "./score.ts";

/** A model that was built and measured. */
export interface Candidate {
  /** Bytes of the pack. */
  readonly bytes: number;
  readonly score: Score;
  /** Median of an inference here, where a budget asks for it. */
  readonly ms?: number;
}

export interface Budget {
  /** Points of accuracy (where there are labels) or of agreement with the f32 model that may be lost. */
  readonly maxDrop?: number;
  /** Bytes of the pack. */
  readonly maxSize?: number;
  /** Milliseconds of an inference on this machine. */
  readonly maxMs?: number;
  /** Least signal to noise of the outputs against the f32 model, in dB. */
  readonly minSqnr?: number;
  /** Standard errors by which a measured drop must stay below the bound, for it was measured on a sample. */
  readonly margin: number;
}

/** Points of accuracy lost against the reference, or of agreement where there are no labels. */
export function dropOf(score: Score, reference: Score): number {
  const lost = score.correct !== undefined ? reference.correct! - score.correct : score.samples - score.same;
  return (100 * lost) / score.samples;
}

/** Standard error of the drop in points: only samples that are answered in another way tell anything. */
export function dropError({ samples, same }: Score): number {
  return (100 * Math.sqrt(Math.max(samples - same, 1))) / samples;
}

/** What a candidate exceeds, in words; empty where it meets the budget. */
export function exceeded(candidate: Candidate, reference: Score, budget: Budget): string[] {
  const { bytes, score, ms } = candidate;
  const [drop, error] = [dropOf(score, reference), budget.margin * dropError(score)];
  const { maxDrop, maxSize, maxMs, minSqnr } = budget;
  return [
    ...(maxDrop !== undefined && drop + error > maxDrop
      ? [`a drop of ${drop.toFixed(2)} ± ${error.toFixed(2)} points, ${maxDrop} allowed`]
      : []),
    ...(minSqnr !== undefined && score.sqnr < minSqnr ? [`${score.sqnr.toFixed(1)} dB, ${minSqnr} wanted`] : []),
    ...(maxSize !== undefined && bytes > maxSize ? [`${bytes} bytes, ${maxSize} allowed`] : []),
    ...(maxMs !== undefined && ms !== undefined && ms > maxMs ? [`${ms.toPrecision(3)} ms, ${maxMs} allowed`] : []),
  ];
}

/** Which of the models that meet the budget is taken. */
export const POLICIES = {
  smallest: (a: Candidate, b: Candidate) => a.bytes - b.bytes,
  "most-accurate": (a: Candidate, b: Candidate) => b.score.sqnr - a.score.sqnr,
  fastest: (a: Candidate, b: Candidate) => (a.ms ?? 0) - (b.ms ?? 0),
} as const;

export type Policy = keyof typeof POLICIES;

/** Candidates that no other beats in size and in signal to noise at once, smallest first. */
export function paretoFront<C extends Candidate>(candidates: readonly C[]): C[] {
  const front: C[] = [];
  for (const candidate of [...candidates].sort((a, b) => a.bytes - b.bytes || b.score.sqnr - a.score.sqnr))
    if (front.every(({ score }) => score.sqnr < candidate.score.sqnr)) front.push(candidate);
  return front;
}
