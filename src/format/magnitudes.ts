/**
 * Tables by expected magnitude: symbols that stand where large ones stood before have another table than those that stand where zeros did. What is
 * expected are two running means of magnitudes, added: of the same element of k (an input that feeds nothing, a block that was pruned), and of the
 * same column of a panel (an output whose weights are small). assembly/unpack/rans.ts has the decoder's loop.
 */
import { CLASSES, Context, MAX_CLASS_PRECISION, MAX_DEPTH, MAX_WIDTH, MIN_PRECISION, TableKind } from "../../assembly/shared/container.ts";
import { chooseTable, entropyOf } from "./choose.ts";
import type { Panels } from "./image.ts";
import { BIT, log2 } from "./logarithm.ts";
import { type BitSink, putNumber, type Ranges, TableMeter } from "./sink.ts";
import { putTable, rangesOf, type Table, tableFrequencies } from "./table.ts";

/** How symbols follow each other: rows of `width`, in which 2^shift elements of k take turns; after `rows` rows k begins again. */
export interface Rows {
  readonly width: number;
  readonly shift: number;
  readonly rows: number;
}

/** A mean moves by 2^−rate of what it was wrong by: those of elements of k, and those of columns. Rates are below 8. */
export type Rates = readonly [depth: number, column: number];

/** Tables of magnitudes as a file states them. */
export interface Magnitudes extends Rows {
  readonly rates: Rates;
  /** Fractional bits of means, which are kept modulo 2¹⁶. */
  readonly fraction: number;
  /** What means are at first. */
  readonly mean: number;
  readonly precision: number;
  /** Lower ends of all classes but the first. */
  readonly thresholds: readonly number[];
  readonly tables: readonly Table[];
}

/** What running means need to begin. */
type Start = Rows & Pick<Magnitudes, "rates" | "fraction" | "mean">;

/** The running means; encoder and decoders keep them alike. */
export class Means {
  private readonly columns: Uint16Array;
  private readonly depths: Uint16Array;
  private readonly inner: number;
  private readonly rates: Rates;
  private readonly fraction: number;
  private column = 0;
  private row = 0;

  constructor({ width, shift, rows, rates, fraction, mean }: Start) {
    this.columns = new Uint16Array(width).fill(mean);
    this.depths = new Uint16Array(rows << shift).fill(mean);
    this.inner = (1 << shift) - 1;
    this.rates = rates;
    this.fraction = fraction;
  }

  /** Of the next symbol: twice its magnitude, with those fractional bits. */
  get expected(): number {
    return this.columns[this.column] + this.depths[this.row + (this.column & this.inner)];
  }

  next(symbol: number): void {
    const { columns, depths, column, inner, rates, fraction } = this;
    const magnitude = Math.abs((symbol << 24) >> 24) << fraction;
    const depth = this.row + (column & inner);
    columns[column] += (magnitude - columns[column]) >> rates[1];
    depths[depth] += (magnitude - depths[depth]) >> rates[0];
    if (++this.column < columns.length) return;
    this.column = 0;
    this.row += inner + 1;
    if (this.row === depths.length) this.row = 0;
  }
}

export const classOf = (thresholds: readonly number[], expected: number): number => {
  let kind = 0;
  for (let i = 0; i < thresholds.length; i++) if (expected >= thresholds[i]) kind++;
  return kind;
};

/** The rows of weights in panels; undefined where they are larger than a decoder keeps means for. */
export function rowsOf({ n, k, lanes, inner }: Panels): Rows | undefined {
  const shift = Math.log2(inner);
  const rows = { width: Math.min(n, lanes) * inner, shift, rows: Math.ceil(k / inner) };
  return Number.isInteger(shift) && shift <= 3 && rows.width <= MAX_WIDTH && rows.rows * inner <= MAX_DEPTH ? rows : undefined;
}

export function putMagnitudes(
  sink: BitSink,
  { width, shift, rows, rates, fraction, mean, precision, thresholds, tables }: Magnitudes,
): void {
  putNumber(sink, Context.table, TableKind.magnitudes);
  putNumber(sink, Context.lanes, width - 1);
  sink.raw(shift, 2);
  putNumber(sink, Context.rows, rows - 1);
  sink.raw(precision - MIN_PRECISION, 2);
  sink.raw(rates[0], 3);
  sink.raw(rates[1], 3);
  sink.raw(fraction, 4);
  sink.raw(mean, 16);
  sink.raw(tables.length - 1, 2);
  for (const [c, table] of tables.entries()) {
    if (c > 0) sink.raw(thresholds[c - 1], 16);
    putTable(sink, table);
  }
}

/** Ranges of a class; a constant one owns all. */
export function classRanges(table: Table, precision: number): Ranges {
  if (table.kind !== TableKind.constant) return rangesOf(table);
  const frequencies = new Uint32Array(256);
  frequencies[table.symbol] = 2 ** precision;
  return { precision, frequencies, starts: new Uint32Array(256) };
}

/** The class of each symbol. */
export function classesOf(symbols: Uint8Array, magnitudes: Magnitudes): Uint8Array {
  const means = new Means(magnitudes);
  return symbols.map((symbol) => {
    const kind = classOf(magnitudes.thresholds, means.expected);
    means.next(symbol);
    return kind;
  });
}

/** Bins that classes are made of: eight an octave of the expected magnitude, up to that of two means of 2¹⁵ − 1. */
const BINS = 112;
const binOf = (expected: number): number => {
  if (expected < 8) return expected;
  const octave = 28 - Math.clz32(expected);
  return 8 * octave + (expected >> octave);
};
const lowestOf = (bin: number): number => (bin < 8 ? bin : (8 + (bin & 7)) << ((bin >> 3) - 1));

/** About what a table costs, before it is made. */
const TABLE = 30 * BIT;
const LEVEL = 7 * BIT;

interface Bin {
  readonly lowest: number;
  readonly counts: Uint32Array;
  readonly cost: number;
}

function binWith(lowest: number, counts: Uint32Array): Bin {
  let cost = TABLE + entropyOf(counts);
  for (let s = 0; s < 256; s++) if (counts[s] > 0) cost += LEVEL;
  return { lowest, counts, cost };
}

const together = (a: Bin, b: Bin): Bin =>
  binWith(
    a.lowest,
    a.counts.map((n, s) => n + b.counts[s]),
  );

/** Neighbouring bins made one, those first that lose least, until there are CLASSES at most and none that do not pay for their tables. */
function merge(bins: Bin[]): Bin[] {
  const joined = bins.slice(1).map((bin, i) => together(bins[i], bin));
  while (joined.length > 0) {
    let at = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < joined.length; i++) {
      const loss = joined[i].cost - bins[i].cost - bins[i + 1].cost;
      if (loss < least) [at, least] = [i, loss];
    }
    if (least >= 0 && bins.length <= CLASSES) break;
    bins.splice(at, 2, joined[at]);
    joined.splice(at, 1);
    if (at > 0) joined[at - 1] = together(bins[at - 1], bins[at]);
    if (at < joined.length) joined[at] = together(bins[at], bins[at + 1]);
  }
  return bins;
}

/** Planes of fewer symbols are not looked at: what is learned of their weights does not pay for a second table. */
const FEWEST = 4096;

/**
 * The tables of magnitudes under which `symbols` cost least among these rates, where that is less than `limit` (in units of `log2`, as `Choice.cost` is).
 */
export function chooseMagnitudes(symbols: Uint8Array, rows: Rows, tried: readonly Rates[], limit: number): Magnitudes | undefined {
  if (symbols.length < FEWEST) return undefined;
  let [sum, most] = [0, 1];
  for (let i = 0; i < symbols.length; i++) {
    const magnitude = Math.abs((symbols[i] << 24) >> 24);
    sum += magnitude;
    most = Math.max(most, magnitude);
  }
  const fraction = Math.clz32(most) - 17;
  const mean = Math.floor((sum / symbols.length) * 2 ** fraction);
  let best: Magnitudes | undefined;
  let least = limit;
  for (const rates of tried) {
    const bins = merge(binsOf(symbols, { ...rows, rates, fraction, mean }));
    if (bins.length < 2 || bins.reduce((sum, { cost }) => sum + cost, 0) >= least) continue;
    const candidate = withTables({ ...rows, rates, fraction, mean }, bins);
    if (!candidate || candidate.cost >= least) continue;
    best = candidate.magnitudes;
    least = candidate.cost;
  }
  return best;
}

function binsOf(symbols: Uint8Array, start: Start): Bin[] {
  const means = new Means(start);
  const counts = new Uint32Array(256 * BINS);
  for (let i = 0; i < symbols.length; i++) {
    counts[256 * binOf(means.expected) + symbols[i]]++;
    means.next(symbols[i]);
  }
  const bins: Bin[] = [];
  for (let bin = 0; bin < BINS; bin++) {
    const of = counts.subarray(256 * bin, 256 * (bin + 1));
    if (of.some((n) => n > 0)) bins.push(binWith(lowestOf(bin), of));
  }
  return bins;
}

const meter = new TableMeter();
/** What `putMagnitudes` writes beside tables, about. */
const HEAD = 55 * BIT;
const THRESHOLD = 16 * BIT;

/** Undefined where classes need tables that cannot have the same precision. */
function withTables(start: Start, bins: readonly Bin[]): { magnitudes: Magnitudes; cost: number } | undefined {
  const chosen = bins.map(({ counts }) => chooseTable(counts).table);
  if (chosen.some(({ kind }) => kind === TableKind.uniform)) return undefined;
  const precision = Math.max(MIN_PRECISION, ...chosen.map((table) => (table.kind === TableKind.levels ? table.precision : 0)));
  if (precision > MAX_CLASS_PRECISION) return undefined;
  const tables = chosen.map((table) => (table.kind === TableKind.levels ? { ...table, precision } : table));
  if (tables.some((table) => table.kind === TableKind.levels && !tableFrequencies(table))) return undefined;
  const magnitudes = { ...start, precision, thresholds: bins.slice(1).map(({ lowest }) => lowest), tables };
  let cost = HEAD + tables.length * THRESHOLD;
  for (const [c, { counts }] of bins.entries()) {
    putTable(meter, tables[c]);
    cost += meter.take();
    const { frequencies } = classRanges(tables[c], precision);
    for (let s = 0; s < 256; s++) if (counts[s] > 0) cost += counts[s] * (precision * BIT - log2(frequencies[s]));
  }
  return { magnitudes, cost };
}
