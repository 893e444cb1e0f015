import { MAX_LEVEL, MAX_PRECISION, MIN_PRECISION, TableKind } from "../../assembly/shared/container.ts";
import { BIT, log2 } from "./logarithm.ts";
import { TableMeter } from "./sink.ts";
import { Smoother } from "./smooth.ts";
import { LevelModel, putTable, scan, type Table, tableFrequencies } from "./table.ts";

type LevelTable = Extract<Table, { kind: TableKind.levels }>;

export interface Choice {
  readonly table: Table;
  /** Of the table and of all the symbols counted, in units of `log2`. */
  readonly cost: number;
  /** Where the search ended, a good place to begin that of a similar plane. */
  readonly recipe: Recipe;
}

/** How levels are made from counts: indices into the arrays of AXES. */
export type Recipe = readonly [width: number, step: number, deadzone: number, floor: number, center: number];

/** How many neighbours on either side are averaged first. */
const WIDTHS = [0, 1, 3, 6, 12];
/** Steps of the square-root scale. */
const STEPS = [0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 5.6, 8, 11];
/** A level that is nearer to its prediction than this is taken as predicted. */
const DEADZONES = [0.5, 0.8];
/** How many values each part of a recipe can have; floor: no or yes, center: symbol 0 or the most frequent one. */
const AXES = [WIDTHS.length, STEPS.length, DEADZONES.length, 2, 2];

const MIDDLE: Recipe = [2, 5, 0, 0, 0];

/**
 * By how much the entropy of uniform noise stays below 8 bits a symbol by chance, and four standard deviations more: it goes as χ² with 255 degrees of
 * freedom, whatever their number, where symbols are many.
 */
const CHANCE = 250 * BIT;
const MANY = 1024;

/** The table under which `counts` symbols cost least, its own bits included; `recipe` is a place where the search may begin. */
export function chooseTable(counts: Uint32Array, recipe: Recipe = MIDDLE): Choice {
  const search = new TableSearch(counts);
  return search.used === 1 ? search.constant(recipe) : search.best(recipe);
}

/** Bits of all symbols counted, in units of `log2`: no table costs less. */
export function entropyOf(counts: Uint32Array): number {
  let total = 0;
  let cost = 0;
  for (let s = 0; s < 256; s++) {
    total += counts[s];
    cost -= counts[s] * log2(counts[s]);
  }
  return cost + total * log2(total);
}

const meter = new TableMeter();

function costOf(table: Table): number {
  putTable(meter, table);
  return meter.take();
}

class TableSearch {
  readonly used: number;
  private readonly total: number;
  /** The most frequent symbol. */
  private readonly top: number;
  private readonly smoother: Smoother;
  private readonly model = new LevelModel();

  constructor(private readonly counts: Uint32Array) {
    let [used, total, top] = [0, 0, 0];
    for (let s = 0; s < 256; s++) {
      if (counts[s] > 0) used++;
      total += counts[s];
      if (counts[s] > counts[top]) top = s;
    }
    this.used = used;
    this.total = total;
    this.top = top;
    this.smoother = new Smoother(counts);
  }

  constant(recipe: Recipe): Choice {
    const table: Table = { kind: TableKind.constant, symbol: this.top };
    return { table, cost: costOf(table), recipe };
  }

  best(from: Recipe): Choice {
    const uniform: Table = { kind: TableKind.uniform };
    const cost = costOf(uniform) + 8 * this.total * BIT;
    if (this.total >= MANY && cost - entropyOf(this.counts) < CHANCE) return { table: uniform, cost, recipe: from };
    let best: Choice = { table: uniform, cost, recipe: from };
    for (const floor of [0, 1]) {
      for (const center of this.top === 0 ? [0] : [0, 1]) {
        const recipe = this.descend([MIDDLE, from].map(([width, step, deadzone]): Recipe => [width, step, deadzone, floor, center]));
        const levels = this.withPrecision(this.levelsOf(recipe));
        if (levels.cost < best.cost) best = { ...levels, recipe };
      }
    }
    return best;
  }

  /** From the best of some recipes walks to neighbours on each axis in turn while that costs less. */
  private descend(from: readonly Recipe[]): Recipe {
    const known = new Map<number, number>();
    const cost = (recipe: Recipe): number => {
      if (recipe.some((index, axis) => index < 0 || index >= AXES[axis])) return Number.POSITIVE_INFINITY;
      const key = recipe.reduce((key, index, axis) => key * AXES[axis] + index, 0);
      const value = known.get(key) ?? this.estimate(this.levelsOf(recipe));
      known.set(key, value);
      return value;
    };
    const at: [number, number, number, number, number] = [...from.reduce((a, b) => (cost(b) < cost(a) ? b : a))];
    let least = cost(at);
    for (let axis = 1, tried = 0; tried < AXES.length; axis = (axis + 1) % AXES.length, tried++) {
      for (const direction of [1, -1]) {
        for (;;) {
          at[axis] += direction;
          const next = cost(at);
          if (next >= least) break;
          least = next;
          tried = 0;
        }
        at[axis] -= direction;
      }
    }
    return at;
  }

  private levelsOf([width, step, deadzone, floor, center]: Recipe): LevelTable {
    const { counts, model } = this;
    const roots = this.smoother.roots(WIDTHS[width]);
    const size = STEPS[step];
    const dead = DEADZONES[deadzone];
    const least = floor ? 0 : 1;
    const from = center ? this.top : 0;
    const levels = new Uint16Array(256);
    model.reset();
    let extent = 256;
    while (counts[scan(from, extent - 1)] === 0) extent--;
    let first = true;
    for (let j = 0; j < extent; j++) {
      const s = scan(from, j);
      if (!floor && counts[s] === 0) continue;
      const exact = roots[s] / size;
      const near = !first && Math.abs(exact - model.prediction) < dead;
      const level = Math.min(MAX_LEVEL, Math.max(least, near ? model.prediction : Math.round(exact)));
      levels[s] = level;
      model.next(level, first);
      first = false;
    }
    return { kind: TableKind.levels, precision: MAX_PRECISION, center: from, extent, floor: floor === 1, levels };
  }

  /** What a table and the symbols cost, as far as that does not depend on the precision. */
  private estimate(table: LevelTable): number {
    const { counts } = this;
    const { levels } = table;
    let weight = 0;
    for (let s = 0; s < 256; s++) weight += levels[s] * levels[s];
    if (weight === 0) return Number.POSITIVE_INFINITY;
    const whole = log2(weight);
    const most = MAX_PRECISION * BIT;
    let cost = costOf(table);
    for (let s = 0; s < 256; s++) if (counts[s] > 0) cost += counts[s] * (levels[s] ? Math.min(most, whole - 2 * log2(levels[s])) : most);
    return cost;
  }

  /** The precision at which the symbols cost least. */
  private withPrecision(levels: LevelTable): Pick<Choice, "table" | "cost"> {
    const { counts } = this;
    let best: Pick<Choice, "table" | "cost"> = { table: levels, cost: Number.POSITIVE_INFINITY };
    for (let precision = MIN_PRECISION; precision <= MAX_PRECISION; precision += 2) {
      const table = { ...levels, precision };
      const frequencies = tableFrequencies(table);
      if (!frequencies) continue;
      let cost = costOf(table);
      for (let s = 0; s < 256; s++) if (counts[s] > 0) cost += counts[s] * (precision * BIT - log2(frequencies[s]));
      // A larger table is slower to read, and what it is read through takes memory: it has to earn it.
      if (cost >= best.cost * 0.999) break;
      best = { table, cost };
    }
    return best;
  }
}
