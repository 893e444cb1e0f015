import { describe, expect, it } from "vitest";
import type { Node } from "../../src/graph/graph.ts";
import { blocksOf, sparseMatrix } from "../../src/plan/blocks.ts";
import { packQs8Gemm } from "../../src/plan/pack-qs8.ts";
import { elementCount } from "../../src/tensor/index.ts";

const node = (op: string, attrs: Node["attrs"] = {}): Node => ({ name: op, op, inputs: ["x", "w"], outputs: ["y"], attrs });

describe("blocks of weights", () => {
  it.each([
    ["MatMul", {}, [5, 40]],
    ["Conv", { group: 1 }, [20, 3, 3, 3]],
    ["Conv", { group: 2 }, [40, 3, 1, 3]],
  ] as const)("are the 32-byte units of %s %o's packed panels, each weight in one of them", (op, attrs, shape) => {
    const matrix = sparseMatrix(node(op, attrs), shape)!;
    const { n, k, groups, index } = matrix;
    const blocks = [...blocksOf(matrix)];
    expect(blocks.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: elementCount(shape) }, (_, i) => i));
    const rows = new Int8Array(n * k);
    blocks.forEach((block, number) => {
      const kept = new Set(block);
      for (let o = 0; o < n; o++) for (let r = 0; r < k; r++) rows[o * k + r] = Number(kept.has(index(o, r)));
      const packed = packQs8Gemm(rows, n, k, groups);
      expect(packed.reduce((sum, v) => sum + v, 0)).toBe(block.length);
      expect(packed.subarray(32 * number, 32 * (number + 1)).reduce((sum, v) => sum + v, 0)).toBe(block.length);
    });
  });

  it("are not of depthwise layers, stacks of matrices and other operators", () => {
    expect(sparseMatrix(node("Conv", { group: 8 }), [8, 1, 3, 3])).toBeUndefined();
    expect(sparseMatrix(node("MatMul"), [2, 3, 4])).toBeUndefined();
    expect(sparseMatrix(node("Gather"), [3, 4])).toBeUndefined();
  });
});
