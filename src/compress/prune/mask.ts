/**
 * Masks: which weights are removed, θ' = θ ⊙ (1 − P). A mask is a thing of its own: it is chosen by one function, saved, inspected, combined with others, and
 * applied by another. It names the constants of the graph that it was made for, which is the optimized one (`optimize` in src/passes): the names of initializers
 * where no pass rewrote them, and names derived from those of their nodes where one did (batch normalization that was fused, a matrix that was turned).
 */
import { EdgepackError } from "../../errors.ts";
import type { Graph } from "../../graph/graph.ts";
import { elementCount, type Shape, sameShape, type Tensor } from "../../tensor/index.ts";

/** By the name of a constant, a tensor of bool of its shape: 1 where a weight is removed. Constants that are not named lose nothing. */
export type Mask = ReadonlyMap<string, Tensor>;

/** What a mask removes of one constant. */
export interface MaskedTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly elements: number;
  readonly removed: number;
  /** removed / elements, 0..1. */
  readonly share: number;
  /** Slices along the first axis, and along the last, of which nothing is left. */
  readonly emptyFirst: number;
  readonly emptyLast: number;
}

/** A mask that removes nothing of a tensor of this shape. */
export const keepAll = (shape: Shape): Tensor => ({ dtype: "bool", shape, data: new Uint8Array(elementCount(shape)) });

/** Throws DATA_INVALID with every entry that does not fit a float constant of the graph. */
export function checkMask(graph: Graph, mask: Mask): void {
  const problems = [...mask].flatMap(([name, { shape }]) => {
    const constant = graph.constants.get(name);
    if (!constant) return [`${name} is no constant of the model`];
    if (constant.dtype !== "f32") return [`${name} is of ${constant.dtype}; only f32 weights are masked`];
    return sameShape(shape, constant.shape) ? [] : [`${name} is [${constant.shape}], its mask [${shape}]`];
  });
  if (problems.length > 0)
    throw new EdgepackError("DATA_INVALID", `The mask does not fit ${graph.name}; make it from this model, or leave these out:`, problems);
}

/** The graph with what the mask removes at 0. Throws DATA_INVALID where the mask does not fit. */
export function applyMask(graph: Graph, mask: Mask): Graph {
  checkMask(graph, mask);
  const constants = new Map(graph.constants);
  for (const [name, { data: removed }] of mask) {
    const weights = graph.constants.get(name)!;
    constants.set(name, { ...weights, data: Float32Array.from(weights.data, (w, i) => (removed[i] ? 0 : w)) });
  }
  return { ...graph, constants };
}

/** What is kept becomes what is removed, in the constants that the mask names. */
export function invertMask(mask: Mask): Mask {
  return new Map([...mask].map(([name, entry]) => [name, { ...entry, data: Uint8Array.from(entry.data, (bit) => 1 - bit) }]));
}

/** Removes what any of the masks removes. Throws RangeError where two differ in the shape of a constant. */
export function combineMasks(...masks: readonly Mask[]): Mask {
  const union = new Map<string, Tensor>();
  for (const mask of masks) {
    for (const [name, entry] of mask) {
      const before = union.get(name);
      if (before && !sameShape(before.shape, entry.shape))
        throw new RangeError(`masks of ${name} are of [${before.shape}] and [${entry.shape}]`);
      union.set(name, before ? { ...entry, data: Uint8Array.from(entry.data, (bit, i) => bit | before.data[i]) } : entry);
    }
  }
  return union;
}

/** The zeros of a model's weights as a mask: what was pruned before, here or by another tool. */
export function maskOfZeros(graph: Graph, names: Iterable<string>): Mask {
  return new Map(
    [...names].map((name) => {
      const { shape, data } = graph.constants.get(name)!;
      return [name, { dtype: "bool", shape, data: Uint8Array.from(data, (w) => (w === 0 ? 1 : 0)) }];
    }),
  );
}

/** What a mask removes, constant by constant in its order. */
export function inspectMask(mask: Mask): readonly MaskedTensor[] {
  return [...mask].map(([name, { shape, data }]) => {
    const removed = (data as Uint8Array).reduce((sum, bit) => sum + bit, 0);
    const [first, last] = [shape[0] ?? 1, shape.at(-1) ?? 1];
    return {
      name,
      shape,
      elements: data.length,
      removed,
      share: data.length > 0 ? removed / data.length : 0,
      emptyFirst: fullCount(data, first, (i) => Math.floor((i * first) / data.length)),
      emptyLast: fullCount(data, last, (i) => i % last),
    };
  });
}

/** How many of n slices a mask removes whole. */
function fullCount(bits: ArrayLike<number>, n: number, sliceOf: (i: number) => number): number {
  const kept = new Uint8Array(n);
  for (let i = 0; i < bits.length; i++) if (!bits[i]) kept[sliceOf(i)] = 1;
  return kept.reduce((sum, bit) => sum + 1 - bit, 0);
}
