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

/** Sets of weights that are removed together: unit u is those at places[starts[u]] to places[starts[u + 1] − 1] of the weights' data. */
export interface Units {
  readonly starts: Uint32Array;
  readonly places: Uint32Array;
  /** Of every `size` units in a row, `removed` go, however much else does. */
  readonly fixed?: { readonly size: number; readonly removed: number };
}

/** The units of a layer's weights, output by output where they do not span outputs. Weights that a pattern cannot take away (depthwise ones in blocks) are in none. */
export function unitsOf({ view, nodes }: PrunedWeights, pattern: Pattern, shape: readonly number[]): Units {
  const { outputs, k } = view;
  const everywhere = (at: (output: number, r: number) => number): Uint32Array =>
    Uint32Array.from({ length: outputs * k }, (_, i) => at(Math.floor(i / k), i % k));
  const matrix = sparseMatrix(nodes[0], shape);
  switch (pattern.kind) {
    case "unstructured":
      return { starts: steps(outputs * k, 1), places: everywhere(view.weight) };
    case "rows":
      return { starts: steps(outputs, k), places: everywhere(view.weight) };
    case "blocks": {
      const blocks = matrix ? [...blocksOf(matrix)] : [];
      const starts = Uint32Array.from({ length: blocks.length + 1 }, () => 0);
      for (const [i, block] of blocks.entries()) starts[i + 1] = starts[i] + block.length;
      return { starts, places: Uint32Array.from(blocks.flat()) };
    }
    case "n:m": {
      const { n, m } = pattern;
      if (!Number.isInteger(n) || !Number.isInteger(m) || n < 1 || m <= n || m > 256)
        throw new RangeError(`${n}:${m} is no pattern: of every m (2 to 256) weights n (1 to m − 1) are kept`);
      const whole = matrix ? Math.floor(k / m) * m : 0;
      const places = Uint32Array.from({ length: outputs * whole }, (_, i) => matrix!.index(Math.floor(i / whole), i % whole));
      return { starts: steps(places.length, 1), places, fixed: { size: m, removed: m - n } };
    }
  }
}

const steps = (count: number, size: number): Uint32Array => Uint32Array.from({ length: count + 1 }, (_, i) => i * size);

/** Outputs and steps of k of a block that is not at an edge. */
export const BLOCK_SHAPE = BLOCK;
