import type { Graph } from "../graph/graph.ts";
import { permutationOf } from "../ops/transpose.ts";
import { elementCount, formatType } from "../tensor/index.ts";

export interface RemainingTranspose {
  readonly name: string;
  readonly input: string;
  readonly perm: readonly number[];
  readonly elements: number;
}

/** What the layout could not do without in a graph that was optimized: every Transpose that moves elements while the model runs. */
export function remainingTransposes({ nodes, types }: Graph): RemainingTranspose[] {
  return nodes
    .filter(({ op }) => op === "Transpose")
    .map((node) => {
      const type = types.get(node.inputs[0])!;
      return { name: node.name, input: formatType(type), perm: permutationOf(node, type), elements: elementCount(type.shape) };
    });
}
