import { BIT_PRECISION, Context } from "../../assembly/shared/container.ts";

/**
 * Adaptive probabilities of single bits: for each context the zeros and ones seen so far in this chunk (Krichevsky–Trofimov estimate,
 * halved as they reach 255). Encoder and decoders start from all zeros and count alike.
 */
export class Contexts {
  private constructor(private readonly counts: Uint16Array) {}

  static fresh(): Contexts {
    return new Contexts(new Uint16Array(2 * Context.total));
  }

  /** Probability of a one in units of 2^−BIT_PRECISION, never 0 nor 1. */
  ones(context: number): number {
    const zeros = this.counts[2 * context];
    const ones = this.counts[2 * context + 1];
    return (((2 * ones + 1) << (BIT_PRECISION - 1)) / (zeros + ones + 1)) | 0;
  }

  count(context: number, one: boolean): void {
    const at = 2 * context;
    this.counts[at + (one ? 1 : 0)]++;
    if (this.counts[at] + this.counts[at + 1] < 255) return;
    this.counts[at] >>= 1;
    this.counts[at + 1] >>= 1;
  }
}
