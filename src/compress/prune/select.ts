/** Selection: from what each weight is worth, and how much is to go, to a mask. */
import type { Graph, Node } from "../../graph/graph.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { Saliency } from "./criteria.ts";
import { isDepthwise, prunedWeights } from "./layers.ts";
import { keepAll, type Mask } from "./mask.ts";
import { orderOf } from "./order.ts";
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
  const all: Ranked[] = [];
  for (const entry of prunedWeights(graph, layers)) {
    const scores = saliency.get(entry.name);
    if (!scores || (!layers && isDepthwise(entry.view))) continue;
    const { shape } = graph.constants.get(entry.name)!;
    const bits = keepAll(shape);
    mask.set(entry.name, bits);
    const units = unitsOf(entry, pattern, shape);
    const means = meansOf(units, scores);
    const { length } = means;
    const size = units.fixed?.size ?? (scope === "output" ? length / entry.view.outputs : length);
    for (let first = 0; first < length; first += size) {
      const part = { units, bits: bits.data, first, means: means.subarray(first, first + size) };
      if (units.fixed) removeUnits(part, orderOf(part.means).subarray(0, units.fixed.removed));
      else if (scope === "model") all.push(part);
      else removeLeast([part], amount!);
    }
  }
  if (all.length > 0) removeLeast(all, amount!);
  return mask;
}

/** Units of a layer that are ranked together, from `first`; the mean saliency of each; and the bits of the layer's mask. */
interface Ranked {
  readonly units: Units;
  readonly bits: Tensor["data"];
  readonly first: number;
  readonly means: Float64Array;
}

function meansOf({ starts, places }: Units, scores: Float64Array): Float64Array {
  return Float64Array.from({ length: starts.length - 1 }, (_, u) => {
    let sum = 0;
    for (let i = starts[u]; i < starts[u + 1]; i++) sum += scores[places[i]];
    return sum / (starts[u + 1] - starts[u]);
  });
}

/** Sets the bits of these units, which are counted from the first. */
function removeUnits({ units: { starts, places }, bits, first }: Ranked, chosen: Iterable<number>): void {
  for (const u of chosen) for (let i = starts[first + u]; i < starts[first + u + 1]; i++) bits[places[i]] = 1;
}

/** Removes what the amount says of the units of all parts together. */
function removeLeast(parts: readonly Ranked[], amount: Amount): void {
  const means = joined(parts.map((part) => part.means));
  const sizes = joined(
    parts.map(({ units: { starts }, first, means: own }) => Float64Array.from(own, (_, u) => starts[first + u + 1] - starts[first + u])),
  );
  const gone = new Uint8Array(means.length);
  if ("cutoff" in amount) for (const [u, mean] of means.entries()) gone[u] = Number(mean < amount.cutoff);
  else {
    let left = Math.round(amount.share * sizes.reduce((a, b) => a + b, 0));
    for (const u of orderOf(means)) {
      // A unit goes if with it the share is met more closely than without.
      if (sizes[u] / 2 > left) break;
      left -= sizes[u];
      gone[u] = 1;
    }
  }
  let begin = 0;
  for (const part of parts) {
    const own = gone.subarray(begin, begin + part.means.length);
    removeUnits(
      part,
      Uint32Array.from(own.keys()).filter((u) => own[u] === 1),
    );
    begin += own.length;
  }
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
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
