import { describe, expect, it } from "vitest";
import { f32ConvScratch, packF32Depthwise, packF32Gemm } from "../../src/plan/pack.ts";

const count = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i + 1);

describe("packF32Gemm", () => {
  it("puts eight outputs side by side for each k and fills the last panel with zeros", () => {
    const packed = packF32Gemm(count(9 * 2), 9, 2);
    expect([...packed]).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 2, 4, 6, 8, 10, 12, 14, 16, 17, 0, 0, 0, 0, 0, 0, 0, 18, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("starts each group with a panel of its own", () => {
    const packed = packF32Gemm(count(4), 4, 1, 2);
    expect([...packed]).toEqual([1, 2, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0]);
  });

  it("keeps int8 weights int8", () => {
    expect(packF32Gemm(Int8Array.of(-3, 4), 1, 2)).toEqual(Int8Array.of(-3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0));
  });
});

describe("packF32Depthwise", () => {
  it("puts the channels of each tap side by side", () => {
    expect([...packF32Depthwise(count(6), 3, 2)]).toEqual([1, 3, 5, 2, 4, 6]);
    expect(packF32Depthwise(Int8Array.of(1, 2, 3, 4), 2, 2)).toEqual(Int8Array.of(1, 3, 2, 4));
  });
});

describe("f32ConvScratch", () => {
  it("holds one panel of im2col rows", () => {
    expect(f32ConvScratch(27)).toBe(48 * 27 * 4);
  });
});
