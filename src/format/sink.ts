import { BIT_PRECISION, Context, LANES, RANS_LOW } from "../../assembly/shared/container.ts";
import { Contexts } from "./contexts.ts";
import { BIT, log2 } from "./logarithm.ts";

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

/** A table has at most 256 levels, so no context of its gets more bits. */
const MOST = 256;
const WHOLE = new Float64Array(MOST + 1);
const HALVES = new Float64Array(MOST + 1);
for (let n = 1; n <= MOST; n++) {
  WHOLE[n] = WHOLE[n - 1] + log2(n);
  HALVES[n] = HALVES[n - 1] + log2(2 * n - 1) - BIT;
}

/**
 * Adds up what one table costs where its contexts begin afresh. What a context's bits cost by the estimate of Krichevsky and Trofimov depends on
 * their numbers alone, not their order: n! / (½ · 1½ ⋯ (zeros − ½) · ½ · 1½ ⋯ (ones − ½)). So counting is all there is to do.
 */
export class TableMeter implements BitSink {
  private readonly counts = new Uint16Array(2 * Context.total);
  private plain = 0;

  bit(context: number, one: boolean): void {
    this.counts[2 * context + (one ? 1 : 0)]++;
  }

  raw(_value: number, bits: number): void {
    this.plain += bits;
  }

  /** The cost in units of `log2`; forgets all. */
  take(): number {
    const { counts } = this;
    let cost = this.plain * BIT;
    for (let at = 2 * Context.table; at < counts.length; at += 2) {
      const zeros = counts[at];
      const ones = counts[at + 1];
      if (zeros + ones > 0) cost += WHOLE[zeros + ones] - HALVES[zeros] - HALVES[ones];
    }
    counts.fill(0);
    this.plain = 0;
    return cost;
  }
}

/** The ranges of symbols: symbol s owns [starts[s], starts[s] + frequencies[s]) of 2^precision. */
export interface Ranges {
  readonly precision: number;
  readonly frequencies: Uint32Array;
  readonly starts: Uint32Array;
}

/** Symbols that come between two events. */
interface Run {
  readonly before: number;
  readonly symbols: Uint8Array;
  /** Of each class. */
  readonly ranges: readonly Ranges[];
  /** The class of each symbol, where there are more than one. */
  readonly classes?: Uint8Array;
}

/**
 * rANS (Jarek Duda, "Asymmetric numeral systems", 2013) with four interleaved 32-bit states that are renormalised by 16 bits.
 * Since a decoder gets symbols in the reverse of the order in which they were encoded, this one remembers them all and encodes in `finish`.
 */
export class RansEncoder implements BitSink {
  private readonly contexts = Contexts.fresh();
  /** Of each event start, frequency and precision. */
  private readonly events: number[] = [];
  private readonly runs: Run[] = [];
  private readonly states = new Float64Array(LANES).fill(RANS_LOW);
  private out = new Uint8Array();
  private at = 0;

  bit(context: number, one: boolean): void {
    const ones = this.contexts.ones(context);
    if (one) this.events.push(0, ones, BIT_PRECISION);
    else this.events.push(ones, 2 ** BIT_PRECISION - ones, BIT_PRECISION);
    this.contexts.count(context, one);
  }

  raw(value: number, bits: number): void {
    this.events.push(value, 1, bits);
  }

  /** Symbol i goes to state i mod LANES. The arrays are read in `finish`. */
  symbols(symbols: Uint8Array, ranges: readonly Ranges[], classes?: Uint8Array): void {
    this.runs.push({ before: this.events.length, symbols, ranges, classes });
  }

  /** The states, then the 16-bit words in the order in which a decoder reads them. */
  finish(): Uint8Array {
    const { events, runs, states } = this;
    const most = runs.reduce((n, { symbols }) => n + symbols.length, events.length / 3);
    this.out = new Uint8Array(4 * LANES + 2 * most);
    this.at = this.out.length;
    let event = events.length;
    for (let r = runs.length - 1; r >= -1; r--) {
      for (const stop = r < 0 ? 0 : runs[r].before; event > stop; ) {
        event -= 3;
        this.encodeEvent(events[event], events[event + 1], events[event + 2]);
      }
      if (r >= 0) this.encodeRun(runs[r]);
    }
    this.at -= 4 * LANES;
    const view = new DataView(this.out.buffer, this.at);
    for (let lane = 0; lane < LANES; lane++) view.setUint32(4 * lane, states[lane], true);
    return this.out.slice(this.at);
  }

  private encodeEvent(start: number, frequency: number, precision: number): void {
    let x = this.states[0];
    if (x >= frequency * 2 ** (32 - precision)) {
      this.out[--this.at] = x >>> 8;
      this.out[--this.at] = x;
      x >>>= 16;
    }
    const rest = x % frequency;
    this.states[0] = ((x - rest) / frequency) * 2 ** precision + rest + start;
  }

  private encodeRun({ symbols, ranges, classes }: Run): void {
    const { states, out } = this;
    const limits = new Float64Array(256 * ranges.length);
    const reciprocals = new Float64Array(256 * ranges.length);
    const steps = new Float64Array(256 * ranges.length);
    const starts = new Float64Array(256 * ranges.length);
    for (const [c, { precision, frequencies, starts: first }] of ranges.entries()) {
      starts.set(first, 256 * c);
      for (let s = 0; s < 256; s++) {
        limits[256 * c + s] = frequencies[s] * 2 ** (32 - precision);
        // A little too large, so that truncated products are the quotients, for states below 2³².
        reciprocals[256 * c + s] = (1 + 2 ** -45) / frequencies[s];
        // x ← ⌊x / f⌋ · 2^p + x mod f + start, which is x + ⌊x / f⌋ · (2^p − f) + start.
        steps[256 * c + s] = 2 ** precision - frequencies[s];
      }
    }
    let at = this.at;
    for (let i = symbols.length - 1; i >= 0; i--) {
      const s = classes ? (classes[i] << 8) | symbols[i] : symbols[i];
      let x = states[i & (LANES - 1)];
      if (x >= limits[s]) {
        const low = x & 0xffff;
        out[--at] = low >> 8;
        out[--at] = low;
        x = (x - low) / 65536;
      }
      states[i & (LANES - 1)] = x + ((x * reciprocals[s]) | 0) * steps[s] + starts[s];
    }
    this.at = at;
  }
}
