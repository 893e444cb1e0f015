/** Selection: from what each weight is worth, and how much is to go, to a mask. */
import type { Graph, Node } from "../../graph/graph.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { Saliency } from "./criteria.ts";
import { isDepthwise, type PrunedWeights, prunedWeights } from "./layers.ts";
import { keepAll, type Mask } from "./mask.ts";
import { type Pattern, poolsOf, type Unit } from "./patterns.ts";

/** How much goes: a share of the weights, 0..1; or all units whose saliency, on average over their weights, lies below a cut-off. */
export type Amount = { readonly share: number } | { readonly cutoff: number };

export interface SelectOptions {
  readonly pattern?: Pattern;
  /**
   * What weights are ranked among: those of their output, of their layer, or of the whole model. The units of `blocks` span outputs, so that they know no `output`.
   * An n:m pattern fixes how many go, and has no amount.
   */
  readonly scope?: "output" | "layer" | "model";
  /** Layers that take part; all but depthwise ones by default. */
  readonly layers?: (node: Node) => boolean;
}

interface Ranked {
  readonly weights: string;
  readonly unit: Unit;
  readonly score: number;
}

/**
 * The mask of the least salient weights. With `share`, ties go in the order of the weights, and the share of each scope that the pattern reaches is met to within a unit;
 * weights out of the pattern's reach do not count. Throws RangeError for a share outside 0..1, a cut-off that is no number ≥ 0, or a pattern that does not fit.
 */
export function select(graph: Graph, saliency: Saliency, amount: Amount | undefined, options: SelectOptions = {}): Mask {
  const { pattern = { kind: "unstructured" }, scope = "layer", layers } = options;
  checkAmount(amount, pattern, scope);
  const mask = new Map<string, Tensor>();
  const remove = (units: readonly Ranked[]): void => {
    for (const { weights, unit } of units) for (let i = 0; i < unit.length; i++) mask.get(weights)!.data[unit[i]] = 1;
  };
  const all: Ranked[] = [];
  for (const entry of prunedWeights(graph, layers)) {
    const scores = saliency.get(entry.name);
    if (!scores || (!layers && isDepthwise(entry.view))) continue;
    const { shape } = graph.constants.get(entry.name)!;
    mask.set(entry.name, keepAll(shape));
    for (const { units, removed } of poolsOf(entry, pattern, shape)) {
      const ranked = units.map((unit) => ({ weights: entry.name, unit, score: meanOf(unit, scores) }));
      if (removed !== undefined) remove(lowest(ranked, removed));
      else if (scope === "model") for (const unit of ranked) all.push(unit);
      else for (const group of scope === "output" ? byOutput(ranked, entry) : [ranked]) remove(below(group, amount!));
    }
  }
  if (all.length > 0) remove(below(all, amount!));
  return mask;
}

function checkAmount(amount: Amount | undefined, pattern: Pattern, scope: string): void {
  if (scope === "output" && (pattern.kind === "blocks" || pattern.kind === "rows"))
    throw new RangeError(`${pattern.kind} span outputs whole; rank them in their layer or in the model`);
  if (pattern.kind === "n:m") {
    if (amount) throw new RangeError("an n:m pattern says itself how much goes; leave the amount out");
    return;
  }
  if (!amount) throw new RangeError("say how much goes: a share of the weights, or a cut-off of their saliency");
  if ("share" in amount && !(amount.share >= 0 && amount.share <= 1)) throw new RangeError(`a share of ${amount.share} is not within 0..1`);
  if ("cutoff" in amount && !(amount.cutoff >= 0)) throw new RangeError(`a cut-off of ${amount.cutoff} is no number from 0`);
}

function meanOf(unit: Unit, scores: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < unit.length; i++) sum += scores[unit[i]];
  return sum / unit.length;
}

const byScore = (a: Ranked, b: Ranked): number => a.score - b.score;

const lowest = (units: readonly Ranked[], count: number): readonly Ranked[] => units.toSorted(byScore).slice(0, count);

function below(units: readonly Ranked[], amount: Amount): readonly Ranked[] {
  if ("cutoff" in amount) return units.filter(({ score }) => score < amount.cutoff);
  const wanted = Math.round(amount.share * units.reduce((sum, { unit }) => sum + unit.length, 0));
  let taken = 0;
  // A unit goes if with it the share is met more closely than without.
  return units.toSorted(byScore).filter(({ unit }) => {
    if (taken + unit.length / 2 > wanted) return false;
    taken += unit.length;
    return true;
  });
}

function byOutput(units: readonly Ranked[], { view }: PrunedWeights): Ranked[][] {
  const outputOf = new Map<number, number>();
  for (let o = 0; o < view.outputs; o++) for (let r = 0; r < view.k; r++) outputOf.set(view.weight(o, r), o);
  const groups: Ranked[][] = Array.from({ length: view.outputs }, () => []);
  for (const ranked of units) groups[outputOf.get(ranked.unit[0])!].push(ranked);
  return groups;
}
