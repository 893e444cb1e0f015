/** Selection: from what each weight is worth, and how much is to go, to a mask. */
import type { Graph, Node } from "../../graph/graph.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { Saliency } from "./criteria.ts";
import { isDepthwise, prunedWeights } from "./layers.ts";
import { keepAll, type Mask } from "./mask.ts";
import { type Pattern, type Units, unitsOf } from "./patterns.ts";

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

/**
 * The mask of the least salient weights. With `share`, ties go in the order of the weights, and the share of each scope that the pattern reaches is met to within a unit;
 * weights out of the pattern's reach do not count. Throws RangeError for a share outside 0..1, a cut-off that is no number ≥ 0, or a pattern that does not fit.
 */
export function select(graph: Graph, saliency: Saliency, amount: Amount | undefined, options: SelectOptions = {}): Mask {
  const { pattern = { kind: "unstructured" }, scope = "layer", layers } = options;
  checkAmount(amount, pattern, scope);
  const mask = new Map<string, Tensor>();
  const all: Ranking[] = [];
  for (const entry of prunedWeights(graph, layers)) {
    const scores = saliency.get(entry.name);
    if (!scores || (!layers && isDepthwise(entry.view))) continue;
    const { shape } = graph.constants.get(entry.name)!;
    const bits = keepAll(shape);
    mask.set(entry.name, bits);
    const units = unitsOf(entry, pattern, shape);
    const ranking = { units, means: meansOf(units, scores), bits: bits.data };
    const count = ranking.means.length;
    if (units.fixed) {
      const { size, removed } = units.fixed;
      for (let first = 0; first < count; first += size)
        for (const u of ranked(ranking, first, size).subarray(0, removed)) remove(ranking, u);
    } else if (scope === "model") all.push(ranking);
    else {
      const size = scope === "output" ? count / entry.view.outputs : count;
      for (let first = 0; first < count; first += size) removeBelow([ranking], amount!, first, size);
    }
  }
  removeBelow(all, amount);
  return mask;
}

/** Units of a layer, the mean saliency of each, and the bits to set. */
interface Ranking {
  readonly units: Units;
  readonly means: Float64Array;
  readonly bits: Tensor["data"];
}

function meansOf({ starts, places }: Units, scores: Float64Array): Float64Array {
  return Float64Array.from({ length: starts.length - 1 }, (_, u) => {
    let sum = 0;
    for (let i = starts[u]; i < starts[u + 1]; i++) sum += scores[places[i]];
    return sum / (starts[u + 1] - starts[u]);
  });
}

/** `size` units from `first`, the least salient first; of equal ones the first. */
function ranked({ means }: Pick<Ranking, "means">, first: number, size: number): Uint32Array {
  return Uint32Array.from({ length: size }, (_, i) => first + i).sort((a, b) => means[a] - means[b] || a - b);
}

function remove({ units, bits }: Ranking, u: number): void {
  for (let i = units.starts[u]; i < units.starts[u + 1]; i++) bits[units.places[i]] = 1;
}

/** Removes what the amount says of the units of all these layers, or of `size` units of one from `first`. */
function removeBelow(
  rankings: readonly Ranking[],
  amount: Amount | undefined,
  first = 0,
  size = sum(rankings.map(({ means }) => means.length)),
): void {
  const means = rankings.length === 1 ? rankings[0].means : Float64Array.from(rankings.flatMap((ranking) => Array.from(ranking.means)));
  const firsts = rankings.map((_, i) => sum(rankings.slice(0, i).map((ranking) => ranking.means.length)));
  const unit = (u: number): { readonly ranking: Ranking; readonly own: number } => {
    const at = firsts.findLastIndex((begin) => begin <= u);
    return { ranking: rankings[at], own: u - firsts[at] };
  };
  const weightsOf = (u: number): number => {
    const { ranking, own } = unit(u);
    return ranking.units.starts[own + 1] - ranking.units.starts[own];
  };
  const order = ranked({ means }, first, size);
  const wanted = amount && "share" in amount ? Math.round(amount.share * order.reduce((n, u) => n + weightsOf(u), 0)) : 0;
  let taken = 0;
  for (const u of order) {
    // A unit goes if with it the share is met more closely than without.
    if (!amount || ("cutoff" in amount ? means[u] >= amount.cutoff : taken + weightsOf(u) / 2 > wanted)) break;
    taken += weightsOf(u);
    const { ranking, own } = unit(u);
    remove(ranking, own);
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

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
