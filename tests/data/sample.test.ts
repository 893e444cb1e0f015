import { describe, expect, it } from "vitest";
import { mulberry32, sampleIndices } from "../../src/data/index.ts";

describe("mulberry32", () => {
  it("gives the published sequence", () => {
    const random = mulberry32(0);
    expect([random(), random(), random()]).toEqual([0.26642920868471265, 0.0003297457005828619, 0.2232720274478197]);
  });
});

describe("sampleIndices", () => {
  it("gives distinct ascending indices, as many as asked", () => {
    const got = sampleIndices(1000, 100, 7);
    expect(got).toHaveLength(100);
    expect(got.every((v, i) => v >= 0 && v < 1000 && (i === 0 || v > got[i - 1]))).toBe(true);
  });
  it("gives the same indices for a seed everywhere, and others for another", () => {
    expect(sampleIndices(20, 6, 0)).toEqual([0, 1, 3, 10, 11, 19]);
    expect(sampleIndices(20, 6, 1)).not.toEqual(sampleIndices(20, 6, 0));
  });
  it("gives all where fewer are there", () => {
    expect(sampleIndices(3, 10, 1)).toEqual([0, 1, 2]);
    expect(sampleIndices(0, 10, 1)).toEqual([]);
  });
  it("chooses each index equally often", () => {
    const hits = new Array(10).fill(0);
    for (let seed = 0; seed < 5000; seed++) for (const i of sampleIndices(10, 3, seed)) hits[i]++;
    for (const n of hits) expect(Math.abs(n - 1500)).toBeLessThan(150);
  });
});
