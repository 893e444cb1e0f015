import { BIT_PRECISION, LANES, RANS_LOW } from "../../assembly/shared/container.ts";
import { Contexts } from "./contexts.ts";

/** Where coded bits go: the rANS encoder, or a meter that only adds up what they would cost. */
export interface BitSink {
  /** One bit with the adaptive probability of `context`. */
  bit(context: number, one: boolean): void;
  /** `bits` ≤ 16 bits, all values equally likely. */
  raw(value: number, bits: number): void;
}

/** A number ≥ 0 below 2³¹: Elias gamma code of n + 1 with an adaptive exponent (32 contexts from `context` on). */
export function putNumber(sink: BitSink, context: number, n: number): void {
  const exponent = 31 - Math.clz32(n + 1);
  for (let i = 0; i < exponent; i++) sink.bit(context + i, true);
  sink.bit(context + exponent, false);
  const rest = n + 1 - 2 ** exponent;
  if (exponent > 16) sink.raw(Math.floor(rest / 65536), exponent - 16);
  if (exponent > 0) sink.raw(rest % 65536, Math.min(exponent, 16));
}

/** Bits that an event of probability p / 2^BIT_PRECISION costs. */
const COST = Float64Array.from({ length: 2 ** BIT_PRECISION }, (_, p) => BIT_PRECISION - Math.log2(p));

/** Adds up bits; its contexts learn as the encoder's would. */
export class BitMeter implements BitSink {
  bits = 0;
  constructor(readonly contexts: Contexts) {}

  bit(context: number, one: boolean): void {
    const ones = this.contexts.ones(context);
    this.bits += COST[one ? ones : 2 ** BIT_PRECISION - ones];
    this.contexts.count(context, one);
  }

  raw(_value: number, bits: number): void {
    this.bits += bits;
  }
}

/**
 * rANS (Jarek Duda, "Asymmetric numeral systems", 2013) with four interleaved 32-bit states that are renormalised by 16 bits.
 * Since a decoder gets symbols in the reverse of the order in which they were encoded, this one remembers them all and encodes in `finish`.
 */
export class RansEncoder implements BitSink {
  private readonly steps: number[] = [];

  constructor(readonly contexts: Contexts = Contexts.fresh()) {}

  bit(context: number, one: boolean): void {
    const ones = this.contexts.ones(context);
    if (one) this.symbol(0, 0, ones, BIT_PRECISION);
    else this.symbol(0, ones, 2 ** BIT_PRECISION - ones, BIT_PRECISION);
    this.contexts.count(context, one);
  }

  raw(value: number, bits: number): void {
    this.symbol(0, value, 1, bits);
  }

  /** A symbol that owns [start, start + frequency) of 2^precision. */
  symbol(lane: number, start: number, frequency: number, precision: number): void {
    this.steps.push(lane, start, frequency, precision);
  }

  /** The states, then the 16-bit words in the order in which a decoder reads them. */
  finish(): Uint8Array {
    const { steps } = this;
    const states = new Array<number>(LANES).fill(RANS_LOW);
    const words: number[] = [];
    for (let i = steps.length - 4; i >= 0; i -= 4) {
      const [lane, start, frequency, precision] = [steps[i], steps[i + 1], steps[i + 2], steps[i + 3]];
      let x = states[lane];
      if (x >= frequency * 2 ** (32 - precision)) {
        words.push(x & 0xffff);
        x >>>= 16;
      }
      const rest = x % frequency;
      states[lane] = ((x - rest) / frequency) * 2 ** precision + rest + start;
    }
    const out = new Uint8Array(4 * LANES + 2 * words.length);
    const view = new DataView(out.buffer);
    states.forEach((x, lane) => {
      view.setUint32(4 * lane, x, true);
    });
    words.reverse().forEach((word, i) => {
      view.setUint16(4 * LANES + 2 * i, word, true);
    });
    return out;
  }
}
