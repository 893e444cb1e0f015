import { Context, MAX_LEVEL, MIN_PRECISION, TableKind } from "../../assembly/shared/container.ts";
import { type BitSink, putNumber, type Ranges } from "./sink.ts";

/**
 * How often each of 256 symbols comes, as a file states it. A symbol's weight is the square of its level: on the scale of square roots the
 * sampling noise of a count is the same (±½) for rare and frequent symbols, so one step size suits all, and neighbours predict each other.
 */
export type Table =
  | { readonly kind: TableKind.constant; readonly symbol: number }
  | { readonly kind: TableKind.uniform }
  | {
      readonly kind: TableKind.levels;
      readonly precision: number;
      /** Where the scan begins: center, +1, −1, +2, −2, … modulo 256, `extent` symbols in all. */
      readonly center: number;
      readonly extent: number;
      /** Whether level 0 inside the extent stands for the least frequency, or for a symbol that never comes. */
      readonly floor: boolean;
      readonly levels: ArrayLike<number>;
    };

/** Symbol at place j of the scan. */
export const scan = (center: number, j: number): number => (j & 1 ? center + ((j + 1) >> 1) : center - (j >> 1)) & 255;

/** Predicts levels along the scan: the mean (4 fractional bits) of those before that are present, the newest weighing half. */
export class LevelModel {
  private mean = 0;
  private misses = 0;
  private near = 0;

  reset(): void {
    this.mean = this.misses = this.near = 0;
  }

  get present(): number {
    return Context.present + (this.near & 1) + (this.near >> 1);
  }

  get differs(): number {
    return Context.differs + Math.min(this.misses, 2);
  }

  get prediction(): number {
    return (this.mean + 8) >> 4;
  }

  absent(): void {
    this.near = (this.near << 1) & 3;
  }

  /** A level far from its prediction is taken for a new beginning, lest one spike mislead the predictions after it. */
  next(level: number, first: boolean): void {
    const { prediction } = this;
    this.misses = first ? 0 : Math.abs(level - prediction);
    const jump = first || this.misses > 2 + (prediction >> 2);
    this.mean = jump ? level << 4 : (this.mean + (level << 4)) >> 1;
    this.near = ((this.near << 1) & 3) | 1;
  }
}

/** Writes a table; `getTable` of the decoder mirrors this. */
export function putTable(sink: BitSink, table: Table): void {
  putNumber(sink, Context.table, table.kind);
  if (table.kind === TableKind.constant) sink.raw(table.symbol, 8);
  if (table.kind !== TableKind.levels) return;
  putNumber(sink, Context.precision, table.precision - MIN_PRECISION);
  sink.raw(table.center, 8);
  putNumber(sink, Context.extent, table.extent - 1);
  sink.bit(Context.floor, table.floor);
  const model = new LevelModel();
  let first = true;
  for (let j = 0; j < table.extent; j++) {
    const level = table.levels[scan(table.center, j)];
    if (!table.floor) {
      sink.bit(model.present, level > 0);
      if (level === 0) {
        model.absent();
        continue;
      }
    }
    if (first) putNumber(sink, Context.first, level);
    else {
      const least = table.floor ? 0 : 1;
      const residual = level - model.prediction;
      sink.bit(model.differs, residual !== 0);
      if (residual !== 0) {
        if (model.prediction > least) sink.bit(Context.negative, residual < 0);
        putNumber(sink, Context.magnitude, Math.abs(residual) - 1);
      }
    }
    model.next(level, first);
    first = false;
  }
}

/**
 * Frequencies that add up to 2^precision, by integers alone so that every reader gets the same: shares of the squared levels rounded down, at least 1,
 * and what is left over or lacking goes to the heaviest symbol. Undefined where that symbol cannot give so much, or is alone.
 */
export function frequenciesOf(levels: ArrayLike<number>, present: (symbol: number) => boolean, precision: number): Uint32Array | undefined {
  let total = 0;
  let top = 0;
  for (let s = 0; s < 256; s++) {
    if (levels[s] > MAX_LEVEL) return undefined;
    total += levels[s] * levels[s];
    if (levels[s] > levels[top]) top = s;
  }
  if (total === 0) return undefined;
  const frequencies = new Uint32Array(256);
  let left = 2 ** precision;
  for (let s = 0; s < 256; s++) {
    if (!present(s)) continue;
    frequencies[s] = Math.max(1, Math.floor((levels[s] * levels[s] * 2 ** precision) / total));
    left -= frequencies[s];
  }
  const heaviest = frequencies[top] + left;
  if (heaviest < 1 || heaviest >= 2 ** precision) return undefined;
  frequencies[top] = heaviest;
  return frequencies;
}

/** Frequencies of a table of levels; undefined where it is not valid. */
export function tableFrequencies(table: Table & { kind: TableKind.levels }): Uint32Array | undefined {
  const inside = new Uint8Array(256);
  for (let j = 0; j < table.extent; j++) {
    const symbol = scan(table.center, j);
    inside[symbol] = table.floor || table.levels[symbol] > 0 ? 1 : 0;
  }
  return frequenciesOf(table.levels, (s) => inside[s] === 1, table.precision);
}

/** Ranges in the order of symbols; the table must be valid. */
export function rangesOf(table: Exclude<Table, { kind: TableKind.constant }>): Ranges {
  const frequencies = table.kind === TableKind.levels ? tableFrequencies(table)! : new Uint32Array(256).fill(1);
  const starts = new Uint32Array(256);
  for (let s = 1; s < 256; s++) starts[s] = starts[s - 1] + frequencies[s - 1];
  return { frequencies, starts, precision: table.kind === TableKind.levels ? table.precision : 8 };
}
