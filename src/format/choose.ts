import { MAX_LEVEL, MAX_PRECISION, MIN_PRECISION, TableKind } from "../../assembly/shared/container.ts";
import type { Contexts } from "./contexts.ts";
import { BitMeter } from "./sink.ts";
import { LevelModel, putTable, scan, type Table, tableFrequencies } from "./table.ts";

type LevelTable = Extract<Table, { kind: TableKind.levels }>;

const LOG2 = Float64Array.from({ length: 2 ** MAX_PRECISION }, (_, n) => Math.log2(n));

export interface Choice {
  readonly table: Table;
  /** Bits of the table and of all the symbols counted. */
  readonly bits: number;
}

/** What is tried: steps of the square-root scale, how many neighbours on either side are averaged first, how far from its prediction a level is left there. */
const STEPS = [0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 5.6, 8, 11];
const WIDTHS = [0, 1, 3, 6, 12];
const DEADZONES = [0.5, 0.8];

/** The table under which `counts` symbols cost least, its own bits included. */
export function chooseTable(counts: Float64Array, contexts: Contexts): Choice {
  const used: number[] = [];
  for (let s = 0; s < 256; s++) if (counts[s] > 0) used.push(s);
  const total = used.reduce((n, s) => n + counts[s], 0);
  const tableBits = (table: Table): number => {
    const meter = new BitMeter(contexts.clone());
    putTable(meter, table);
    return meter.bits;
  };
  if (used.length === 1) {
    const table: Table = { kind: TableKind.constant, symbol: used[0] };
    return { table, bits: tableBits(table) };
  }
  const uniform: Table = { kind: TableKind.uniform };
  let best: Choice = { table: uniform, bits: tableBits(uniform) + 8 * total };
  for (const center of centers(counts, used)) {
    const smooth = WIDTHS.map((width) => smoothed(counts, width).map(Math.sqrt));
    for (const shape of shapesOf(center, counts)) {
      climb(WIDTHS.length, STEPS.length, (width, step) => {
        const { table, bits } = withPrecision(levelsOf(counts, smooth[width], STEPS[step], shape), counts, used);
        const all = bits < best.bits ? bits + tableBits(table) : bits;
        if (all < best.bits) best = { table, bits: all };
        return all;
      });
    }
  }
  return best;
}

/** Walks from the middle of a grid to neighbours with a lower cost until there is none. */
function climb(width: number, height: number, cost: (x: number, y: number) => number): void {
  const known = new Map<number, number>();
  const at = (x: number, y: number): number => {
    if (x < 0 || y < 0 || x >= width || y >= height) return Number.POSITIVE_INFINITY;
    const key = x * height + y;
    const value = known.get(key) ?? cost(x, y);
    known.set(key, value);
    return value;
  };
  let x = width >> 1;
  let y = height >> 1;
  for (let moved = true; moved; ) {
    moved = false;
    for (const [dx, dy] of [
      [0, 1],
      [0, -1],
      [1, 0],
      [-1, 0],
    ]) {
      if (at(x + dx, y + dy) < at(x, y)) {
        x += dx;
        y += dy;
        moved = true;
      }
    }
  }
}

function shapesOf(center: number, counts: Float64Array): Shape[] {
  let extent = 0;
  for (let j = 0; j < 256; j++) if (counts[scan(center, j)] > 0) extent = j + 1;
  return [false, true].flatMap((floor) => DEADZONES.map((deadzone) => ({ center, extent, floor, deadzone })));
}

/** How a table's levels are made from counts. */
interface Shape {
  readonly center: number;
  readonly extent: number;
  readonly floor: boolean;
  /** A level that is so near its prediction is taken as predicted. */
  readonly deadzone: number;
}

function levelsOf(counts: Float64Array, roots: Float64Array, step: number, shape: Shape): Omit<LevelTable, "precision"> {
  const { center, extent, floor, deadzone } = shape;
  const levels = new Uint16Array(256);
  const model = new LevelModel();
  let first = true;
  for (let j = 0; j < extent; j++) {
    const s = scan(center, j);
    if (!floor && counts[s] === 0) continue;
    const exact = roots[s] / step;
    const near = !first && Math.abs(exact - model.prediction) < deadzone;
    levels[s] = Math.min(MAX_LEVEL, Math.max(floor ? 0 : 1, near ? model.prediction : Math.round(exact)));
    model.next(levels[s], first);
    first = false;
  }
  return { kind: TableKind.levels, center, extent, floor, levels };
}

/** The precision at which the symbols cost least; the table costs much the same at all. */
function withPrecision(levels: Omit<LevelTable, "precision">, counts: Float64Array, used: readonly number[]): Choice {
  let best: Choice = { table: { kind: TableKind.uniform }, bits: Number.POSITIVE_INFINITY };
  for (let precision = MIN_PRECISION; precision <= MAX_PRECISION; precision += 2) {
    const table = { ...levels, precision };
    const frequencies = tableFrequencies(table);
    if (!frequencies) continue;
    let bits = 0;
    for (const s of used) bits += counts[s] * (precision - LOG2[frequencies[s]]);
    // A larger table is slower to read: it has to earn it.
    if (bits < best.bits * 0.9999) best = { table, bits };
  }
  return best;
}

/** Symbols worth beginning the scan at: 0, and the most frequent one. */
function centers(counts: Float64Array, used: readonly number[]): Set<number> {
  return new Set([0, used.reduce((top, s) => (counts[s] > counts[top] ? s : top))]);
}

/** Counts averaged over 2·width + 1 neighbours. What stands out from its neighbours beyond chance keeps its count and takes no part. */
function smoothed(counts: Float64Array, width: number): Float64Array {
  if (width === 0) return counts;
  const window = (s: number) => Array.from({ length: 2 * width + 1 }, (_, d) => (s + d - width) & 255);
  const outlier = Array.from(counts, (count, s) => {
    const median = Float64Array.from(window(s), (k) => counts[k]).sort()[width];
    return count - median > 4 * Math.sqrt(median + 1);
  });
  return counts.map((count, s) => {
    if (outlier[s]) return count;
    const inside = window(s).filter((k) => !outlier[k]);
    return inside.reduce((sum, k) => sum + counts[k], 0) / inside.length;
  });
}
