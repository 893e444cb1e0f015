import { describe, expect, test } from "vitest";
import {
  packQs8Depthwise,
  packQs8Gemm,
  padChannels,
  qs8ConvScratch,
  qs8DepthwiseScratch,
  qs8GemmScratch,
  qs8WinogradScratch,
} from "../../src/plan/pack-qs8.ts";

/** Weights that name their own place: distinct for the sizes used here. */
const weights = (n: number, k: number): Int8Array => Int8Array.from({ length: n * k }, (_, i) => (i % 251) - 125);

/** Element (o, i) of one packed group, by the layout's definition [⌈n/16⌉][⌈k/2⌉][16][2]. */
const at = (k: number, o: number, i: number): number => ((o >> 4) * Math.ceil(k / 2) + (i >> 1)) * 32 + (o & 15) * 2 + (i & 1);

describe("packQs8Gemm", () => {
  test.each([
    [1, 1],
    [16, 2],
    [17, 3],
    [40, 9],
  ])("puts every weight of a %i×%i matrix at its place and zeros elsewhere", (n, k) => {
    const w = weights(n, k);
    const packed = packQs8Gemm(w, n, k);
    expect(packed.length).toBe(Math.ceil(n / 16) * 16 * Math.ceil(k / 2) * 2);
    const expected = new Int8Array(packed.length);
    for (let o = 0; o < n; o++) for (let i = 0; i < k; i++) expected[at(k, o, i)] = w[o * k + i];
    expect(packed).toEqual(expected);
  });

  test("packs groups one after another, each to whole panels", () => {
    const w = weights(36, 5);
    const packed = packQs8Gemm(w, 36, 5, 2);
    const halves = [w.subarray(0, 90), w.subarray(90)].map((half) => packQs8Gemm(half, 18, 5));
    expect([...packed]).toEqual(halves.flatMap((half) => [...half]));
  });

  test("packs a depthwise layer as one group with a tap for each k", () => {
    expect(packQs8Depthwise(weights(20, 9), 20, 9)).toEqual(packQs8Gemm(weights(20, 9), 20, 9));
  });
});

test("padChannels pads each group to whole panels and keeps the type", () => {
  expect(padChannels(Int32Array.of(1, 2, 3), 1, 4)).toEqual(Int32Array.of(1, 2, 3, 0));
  expect(padChannels(Float32Array.of(1, 2, 3, 4), 2, 4)).toEqual(Float32Array.of(1, 2, 0, 0, 3, 4, 0, 0));
  expect(padChannels(new Float32Array(17)).length).toBe(32);
});

test("scratch holds what the kernels write", () => {
  expect(qs8GemmScratch(7)).toBe(48 * 8 * 2);
  expect(qs8GemmScratch(7, 1)).toBe(8 * 2);
  const window = { batch: 1, out: [9, 5], kernel: [3, 3], stride: [1, 2], dilation: [1, 1], pad: [0, 0, 0, 0] } as const;
  expect(qs8ConvScratch(3, window)).toBe(45 * 28 * 2 + 4 * 11 * 3 * 2 + 3 * 4);
  expect(qs8ConvScratch(3, { ...window, batch: 2 })).toBe(48 * 28 * 2 + 4 * 11 * 3 * 2 + 3 * 4);
  expect(qs8ConvScratch(3, { ...window, kernel: [1, 1] })).toBe(45 * 4 * 2);
  expect(qs8WinogradScratch(8, window)).toBe(5 * 8 * 8 * 2 + 4 * 4 + 16 * (16 * 8 * 2 + 64 + 8 * 8 * 2 + 64 + 16 * 8 * 4));
  expect(qs8DepthwiseScratch(12, window)).toBe(4 * 11 * 16 * 2 + 3 * 4 + 10 * 4);
});
