/** Patterns: which weights go together. */
import { BLOCK, blocksOf, sparseMatrix } from "../../plan/blocks.ts";
import type { PrunedWeights } from "./layers.ts";

/**
 * - `unstructured`: each weight by itself.
 * - `n:m`: of every m neighbours along a patch (input channels first, then kernel positions) n are kept; what is left over at the end of a patch stays.
 * - `blocks`: 16 outputs × 2 steps of k, which the integer kernels skip where they are zero (src/plan/blocks.ts).
 * - `rows`: all weights of an output.
 */
export type Pattern =
  | { readonly kind: "unstructured" }
  | { readonly kind: "n:m"; readonly n: number; readonly m: number }
  | { readonly kind: "blocks" }
  | { readonly kind: "rows" };

/** Weights that are removed together, as places in the weights' data. */
export type Unit = ArrayLike<number>;

/** Units among which a fixed number is removed whatever the amount (n:m), or all units of a layer (`removed` undefined). */
export interface Pool {
  readonly units: readonly Unit[];
  readonly removed?: number;
}

/** The units of a layer's weights. Weights that a pattern cannot take away (depthwise ones in blocks) are in none. */
export function poolsOf(weights: PrunedWeights, pattern: Pattern, shape: readonly number[]): readonly Pool[] {
  const { view, nodes } = weights;
  const { outputs, k } = view;
  const rows = (): number[][] => Array.from({ length: outputs }, (_, o) => Array.from({ length: k }, (_, r) => view.weight(o, r)));
  switch (pattern.kind) {
    case "unstructured":
      return [{ units: rows().flatMap((row) => row.map((at) => [at])) }];
    case "rows":
      return [{ units: rows() }];
    case "blocks": {
      const matrix = sparseMatrix(nodes[0], shape);
      return matrix ? [{ units: [...blocksOf(matrix)] }] : [];
    }
    case "n:m":
      return groupsOf(weights, shape, pattern.n, pattern.m);
  }
}

/** Outputs and steps of k of a block that is not at an edge. */
export const BLOCK_SHAPE = BLOCK;

function groupsOf({ nodes, view }: PrunedWeights, shape: readonly number[], n: number, m: number): Pool[] {
  if (!Number.isInteger(n) || !Number.isInteger(m) || n < 1 || m <= n || m > 256)
    throw new RangeError(`${n}:${m} is no pattern: of every m (2 to 256) weights n (1 to m − 1) are kept`);
  const matrix = sparseMatrix(nodes[0], shape);
  if (!matrix) return [];
  const pools: Pool[] = [];
  for (let o = 0; o < view.outputs; o++)
    for (let first = 0; first + m <= view.k; first += m)
      pools.push({ units: Array.from({ length: m }, (_, i) => [matrix.index(o, first + i)]), removed: m - n });
  return pools;
}
