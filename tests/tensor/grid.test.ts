import { describe, expect, it } from "vitest";
import {
  dequantizeTensor,
  f32,
  formatType,
  gridProblem,
  type Quant,
  quantizeWeights,
  sameQuant,
  type Tensor,
} from "../../src/tensor/index.ts";

const blocked = (scale: readonly number[], axis: number, size: number): Quant => ({
  scale: Float32Array.from(scale),
  zero: 0,
  block: { axis, size },
});

const weights: Tensor = {
  dtype: "i8",
  shape: [2, 5],
  data: Int8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
  quant: blocked([1, 10, 100, 2, 20, 200], 1, 2),
};

describe("grids in blocks", () => {
  it("have a scale for each block in every place of the other axes, the last block shorter", () => {
    expect([...dequantizeTensor(weights).data]).toEqual([1, 2, 30, 40, 500, 12, 14, 160, 180, 2000]);
    const columns = { ...weights, quant: blocked([1, 2, 3, 4, 5, 10, 20, 30, 40, 50], 0, 1) };
    expect([...dequantizeTensor(columns).data]).toEqual([1, 4, 9, 16, 25, 60, 140, 240, 360, 500]);
  });

  it("are printed with their axis and size", () => {
    expect(formatType(weights)).toBe("i8[2,5]@axis1/2");
  });

  it("are the same only with the same blocks", () => {
    expect(sameQuant(weights.quant, blocked([1, 10, 100, 2, 20, 200], 1, 2))).toBe(true);
    expect(sameQuant(weights.quant, blocked([1, 10, 100, 2, 20, 200], 1, 3))).toBe(false);
    expect(sameQuant(weights.quant, blocked([1, 10, 100, 2, 20, 200], 0, 2))).toBe(false);
  });

  it("put the largest magnitude of each block on the last level", () => {
    const { data, quant } = quantizeWeights(f32([7, -3.5, 1, 0, 0, 0, 0.7, 0, -14, 2], [2, 5]), { axis: 1, size: 2 }, 15);
    expect([...quant!.scale]).toEqual([1, 1 / 7, 1, 0.1, 2, 2 / 7].map(Math.fround));
    expect([...data]).toEqual([7, -4, 7, 0, 0, 0, 7, 0, -7, 7]);
  });

  it.each<[string, Quant]>([
    ["a grid of 5 scales, not 6", blocked([1, 2, 3, 4, 5], 1, 2)],
    ["a grid in blocks of 2 along axis 2 of [2,5]", blocked([1, 2, 3, 4, 5, 6], 2, 2)],
    ["a grid in blocks of 0 along axis 1 of [2,5]", blocked([1], 1, 0)],
    ["a grid in blocks of 2 along axis 1 of [2,5]", { ...weights.quant!, axis: 0 }],
    ["a grid of 6 scales whose zero is 3", { ...weights.quant!, zero: 3 }],
    ["a grid whose scale is not positive", blocked([1, 2, 3, 4, 5, 0], 1, 2)],
    ["a grid of 3 scales, not 2", { scale: Float32Array.of(1, 2, 3), zero: 0, axis: 0 }],
  ])("are found out: %s", (problem, quant) => {
    expect(gridProblem({ ...weights, quant })).toBe(problem);
    expect(gridProblem(weights)).toBeUndefined();
  });
});
