/** The blocks of weights that sparse kernels skip where all of them are zero: what a pruner that wants speed has to remove together. */
import { BLOCK_K, QS8_NR } from "../../assembly/shared/layout.ts";
import type { Node } from "../graph/graph.ts";
import { convWeightIndex } from "../ops/conv.ts";
import type { WeightMatrix } from "../ops/lowering.ts";
import { elementCount, type Shape } from "../tensor/index.ts";

/** Outputs and steps of k in a whole block; those at the end of a group's outputs, or of k, are smaller. */
export const BLOCK = { outputs: QS8_NR, steps: BLOCK_K };

/** A layer's weights as sparse kernels see them, or undefined where no sparse kernel reads them: depthwise layers, computed weights, other operators. */
export function sparseMatrix({ op, attrs }: Node, shape: Shape): Omit<WeightMatrix, "tensor" | "m"> | undefined {
  if (op === "MatMul" && shape.length >= 2 && elementCount(shape.slice(0, -2)) === 1) {
    const [k, n] = shape.slice(-2);
    return { n, k, groups: 1, index: (o, r) => r * n + o };
  }
  if (op !== "Conv") return undefined;
  const [n, perGroup, ...kernel] = shape;
  const groups = attrs.group as number;
  const taps = elementCount(kernel);
  if (groups > 1 && perGroup === 1 && n === groups) return undefined;
  return { n, k: perGroup * taps, groups, index: convWeightIndex(perGroup, taps) };
}

/**
 * The blocks of a matrix, each as the places of its elements in the weights' data: group by group, panels of BLOCK.outputs outputs, and in each
 * panel steps of k by BLOCK.steps, in the order in which kernels sum (of a convolution kernel row, kernel column, channel).
 */
export function* blocksOf({ n, k, groups, index }: Omit<WeightMatrix, "tensor" | "m">): Generator<number[]> {
  const outputs = n / groups;
  for (let group = 0; group < n; group += outputs)
    for (let panel = 0; panel < outputs; panel += BLOCK.outputs)
      for (let step = 0; step < k; step += BLOCK.steps) {
        const block: number[] = [];
        for (let o = panel; o < Math.min(panel + BLOCK.outputs, outputs); o++)
          for (let r = step; r < Math.min(step + BLOCK.steps, k); r++) block.push(index(group + o, r));
        yield block;
      }
}
