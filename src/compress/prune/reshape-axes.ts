/** Labels through a reshape. */
import type { Shape } from "../../tensor/index.ts";
import { type Axes, Classes, type Labels } from "./labels.ts";

/** Axes of both shapes that hold the same elements: the shortest runs with equal products. */
interface Run {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

function runsOf(from: Shape, to: Shape): readonly Run[] | undefined {
  const runs: Run[] = [];
  for (let i = 0, j = 0; i < from.length || j < to.length; ) {
    const [first, target] = [i, j];
    let a = from[i++] ?? 1;
    let b = to[j++] ?? 1;
    while (a !== b && (a < b ? i < from.length : j < to.length)) {
      if (a < b) a *= from[i++];
      else b *= to[j++];
    }
    if (a !== b || a === 0) return undefined;
    const places = (at: number, end: number, n: number): number[] => Array.from({ length: Math.min(end, n) - at }, (_, k) => at + k);
    runs.push({ from: places(first, i, from.length), to: places(target, j, to.length) });
  }
  return runs;
}

/**
 * Within a run, one axis before and one after may be made shorter, so that what is left is a box again. Before, it is the first with labels; after, the first along which more
 * than one class is left — where channels are split into heads × width, the heads. Places of the two go together where they hold an element in common: a channel that is
 * flattened goes with all its pixels.
 */
export function reshapeAxes(classes: Classes, from: Shape, to: Shape, axes: Axes): Axes {
  const out = new Array<Labels | undefined>(to.length).fill(undefined);
  const runs = runsOf(from, to);
  if (!runs) for (const labels of axes) classes.pin(labels);
  for (const run of runs ?? []) {
    const labelled = run.from.filter((axis) => axes[axis]);
    const [before] = labelled;
    for (const axis of labelled.slice(1)) classes.pin(axes[axis]);
    if (before === undefined) continue;
    const labels = axes[before]!.map((label) => classes.of(label));
    const placeBefore = placeAlong(from, run.from, before);
    const total = countIn(from, run.from);
    for (const after of run.to.filter((axis) => to[axis] > 1)) {
      const placeAfter = placeAlong(to, run.to, after);
      const shared = new Shared(labels, to[after]);
      for (let i = 0; i < total; i++) shared.join(placeBefore(i), placeAfter(i));
      if (shared.classes === 1) continue;
      out[after] = shared.commit(classes);
      break;
    }
    if (!run.to.some((axis) => out[axis])) classes.pin(labels);
  }
  return out;
}

const countIn = (shape: Shape, axes: readonly number[]): number => axes.reduce((n, axis) => n * shape[axis], 1);

/** The place along an axis of an element of a run. */
function placeAlong(shape: Shape, axes: readonly number[], axis: number): (i: number) => number {
  const inner = countIn(shape, axes.slice(axes.indexOf(axis) + 1));
  return (i) => Math.floor(i / inner) % shape[axis];
}

/** Places of an axis before and of one after, by the elements that they share; tried before classes are joined for good. */
class Shared {
  readonly #labels: Labels;
  readonly #after: number;
  readonly #local = new Classes();
  readonly #before: readonly number[];
  readonly #made: Labels;

  constructor(labels: Labels, after: number) {
    this.#labels = labels;
    this.#after = after;
    const known = new Map<number, number>();
    for (const label of labels) if (!known.has(label)) known.set(label, this.#local.fresh(1)[0]);
    this.#before = Array.from(labels, (label) => known.get(label)!);
    this.#made = this.#local.fresh(after);
  }

  join(before: number, after: number): void {
    this.#local.join(this.#before[before], this.#made[after]);
  }

  get classes(): number {
    return new Set(this.#made.map((label) => this.#local.of(label))).size;
  }

  /** Joins for good, and returns the labels of the axis after. */
  commit(classes: Classes): Labels {
    const found = new Map<number, number>();
    this.#labels.forEach((label, i) => {
      const shared = this.#local.of(this.#before[i]);
      const first = found.get(shared);
      if (first === undefined) found.set(shared, label);
      else classes.join(first, label);
    });
    return Int32Array.from({ length: this.#after }, (_, i) => found.get(this.#local.of(this.#made[i]))!);
  }
}
