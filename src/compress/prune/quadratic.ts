/** What changes of a layer's weights do to its outputs: Σ |X δ|² = δᵀ XᵀX δ for each output. */
import type { Node } from "../../graph/graph.ts";
import { blocksOf, type Moments } from "../moments.ts";
import { cholesky, inverseOf } from "./cholesky.ts";
import type { PrunedWeights } from "./layers.ts";

/** Added to the diagonal, as a share of its mean: keeps weights that nothing was read by near where they were. */
const DAMPING = 0.01;

/** The damped moments of a stretch of a group's patches; stretches are taken as independent of each other. */
export interface Stretch {
  readonly group: number;
  readonly first: number;
  readonly length: number;
  readonly matrix: Float64Array;
  /** Computed when it is first asked for. */
  readonly inverse: Float64Array;
}

/** The stretches of a layer's patches, of layers that share weights with their moments summed; undefined where one of them has none. */
export function stretchesOf({ nodes, view }: PrunedWeights, moments: ReadonlyMap<Node, Moments>): readonly Stretch[] | undefined {
  const all = nodes.map((node) => moments.get(node));
  if (!all.every((m) => m !== undefined)) return undefined;
  const blocks = blocksOf(view.k);
  return Array.from({ length: view.groups }, (_, group) =>
    blocks.map(({ first, length }, block): Stretch => {
      const matrix = new Float64Array(length * length);
      for (const m of all) for (const [i, v] of m[group * blocks.length + block].entries()) matrix[i] += v;
      let trace = 0;
      for (let i = 0; i < length; i++) trace += matrix[i * (length + 1)];
      const damping = (DAMPING * trace) / length || 1;
      for (let i = 0; i < length; i++) matrix[i * (length + 1)] += damping;
      let inverse: Float64Array | undefined;
      return {
        group,
        first,
        length,
        matrix,
        get inverse() {
          inverse ??= inverseOf(cholesky(matrix, length), length);
          return inverse;
        },
      };
    }),
  ).flat();
}

/** Outputs that read patches of a stretch. */
export function outputsOf({ view }: PrunedWeights, { group }: Stretch): readonly number[] {
  const perGroup = view.outputs / view.groups;
  return Array.from({ length: perGroup }, (_, i) => group * perGroup + i);
}

/** wᵀ XᵀX w summed over all outputs and stretches: the energy of what a layer puts out, but for its bias. */
export function energyOf(entry: PrunedWeights, stretches: readonly Stretch[], weights: ArrayLike<number>): number {
  let energy = 0;
  for (const stretch of stretches) {
    const { first, length, matrix } = stretch;
    for (const output of outputsOf(entry, stretch)) {
      const row = Float64Array.from({ length }, (_, r) => weights[entry.view.weight(output, first + r)]);
      for (let i = 0; i < length; i++) {
        if (row[i] === 0) continue;
        let sum = 0;
        for (let j = 0, at = i * length; j < length; j++) sum += matrix[at++] * row[j];
        energy += row[i] * sum;
      }
    }
  }
  return energy;
}
