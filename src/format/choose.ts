import { MAX_LEVEL, MAX_PRECISION, MIN_PRECISION, TableKind } from "../../assembly/shared/container.ts";
import type { Contexts } from "./contexts.ts";
import { BitMeter } from "./sink.ts";
import { putTable, scan, type Table, tableFrequencies } from "./table.ts";

export interface Choice {
  readonly table: Table;
  /** Bits of the table and of all the symbols counted. */
  readonly bits: number;
}

/** Steps of the square-root scale that are tried, and how many neighbours on either side are averaged first. */
const STEPS = [0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 5.6, 8, 11];
const WIDTHS = [0, 1, 3, 6];

/** The table under which `counts` symbols cost least, its own bits included. */
export function chooseTable(counts: Float64Array, contexts: Contexts): Choice {
  const used: number[] = [];
  for (let s = 0; s < 256; s++) if (counts[s] > 0) used.push(s);
  const total = used.reduce((n, s) => n + counts[s], 0);
  const priced = (table: Table, bits: number): Choice => {
    const meter = new BitMeter(contexts.clone());
    putTable(meter, table);
    return { table, bits: meter.bits + bits };
  };
  if (used.length === 1) return priced({ kind: TableKind.constant, symbol: used[0] }, 0);
  let best = priced({ kind: TableKind.uniform }, 8 * total);

  for (const center of centers(counts, used)) {
    let extent = 0;
    for (let j = 0; j < 256; j++) if (counts[scan(center, j)] > 0) extent = j + 1;
    for (const width of WIDTHS) {
      const smooth = smoothed(counts, width);
      for (const floor of [false, true]) {
        for (const step of STEPS) {
          const levels = new Uint16Array(256);
          for (let j = 0; j < extent; j++) {
            const s = scan(center, j);
            if (floor || counts[s] > 0) levels[s] = Math.min(MAX_LEVEL, Math.max(floor ? 0 : 1, Math.round(Math.sqrt(smooth[s]) / step)));
          }
          for (let precision = MIN_PRECISION; precision <= MAX_PRECISION; precision += 2) {
            const table = { kind: TableKind.levels, precision, center, extent, floor, levels } as const;
            const frequencies = tableFrequencies(table);
            if (!frequencies) continue;
            const bits = used.reduce((sum, s) => sum + counts[s] * (precision - Math.log2(frequencies[s])), 0);
            if (bits < best.bits) {
              const choice = priced(table, bits);
              if (choice.bits < best.bits) best = choice;
            }
          }
        }
      }
    }
  }
  return best;
}

/** Symbols worth beginning the scan at: 0, and the most frequent one. */
function centers(counts: Float64Array, used: readonly number[]): Set<number> {
  return new Set([0, used.reduce((top, s) => (counts[s] > counts[top] ? s : top))]);
}

/** Counts averaged over 2·width + 1 neighbours; what stands out from them beyond chance keeps its own count. */
function smoothed(counts: Float64Array, width: number): Float64Array {
  if (width === 0) return counts;
  return counts.map((count, s) => {
    let sum = 0;
    for (let d = -width; d <= width; d++) sum += counts[(s + d) & 255];
    const mean = sum / (2 * width + 1);
    return Math.abs(count - mean) > 3 * Math.sqrt(mean + 1) ? count : mean;
  });
}
