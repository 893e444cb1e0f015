import { describe, expect, it } from "vitest";
import { argmax, compareGraphs, Sqnr } from "../../src/compress/compare.ts";
import { quantizeDynamic, quantizeStatic } from "../../src/compress/quantize.ts";
import type { Dataset } from "../../src/data/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { f32, gridOfRange } from "../../src/tensor/index.ts";
import { graphOf } from "../graph/build.ts";

function sqnrOf(reference: readonly number[], other: readonly number[], count?: number): Sqnr {
  const sqnr = new Sqnr();
  sqnr.add(reference, (i) => other[i], count);
  return sqnr;
}

describe("Sqnr", () => {
  it("is ten times the logarithm of signal over noise", () => {
    expect(sqnrOf([3, 4], [3, 4.5]).decibels).toBeCloseTo(20, 12);
    expect(sqnrOf([3, 4], [0, 0]).decibels).toBe(0);
    expect(sqnrOf([3, 4], [3, 4]).decibels).toBe(Number.POSITIVE_INFINITY);
    expect(sqnrOf([0], [1]).decibels).toBe(Number.NEGATIVE_INFINITY);
  });

  it("adds powers up, not ratios, and keeps the largest difference", () => {
    const sqnr = new Sqnr();
    sqnr.add([6, 8], (i) => [6, 7][i]);
    sqnr.add([0, 0], (i) => [0.5, -2][i]);
    expect(sqnr.decibels).toBeCloseTo(10 * Math.log10(100 / (1 + 0.25 + 4)), 12);
    expect(sqnr.maxDifference).toBe(2);
  });

  it("takes what the other lacks for 0", () => {
    const sqnr = sqnrOf([1, 2, 2], [1, 2], 2);
    expect(sqnr.decibels).toBeCloseTo(10 * Math.log10(9 / 4), 12);
    expect(sqnr.maxDifference).toBe(2);
  });

  it("leaves out what is not finite in the reference, and has no signal left where only the other is not", () => {
    expect(sqnrOf([3, 4, Number.NaN, Number.POSITIVE_INFINITY], [3, 4.5, 1, 1]).decibels).toBeCloseTo(20, 12);
    for (const wild of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      expect(sqnrOf([3, 4], [3, wild]).decibels).toBe(Number.NEGATIVE_INFINITY);
      expect(sqnrOf([3, 4], [3, wild]).maxDifference).toBe(Number.POSITIVE_INFINITY);
    }
  });
});

it("argmax is the first of the largest", () => {
  expect([argmax([1, 3, 3]), argmax([-2, -1]), argmax([5])]).toEqual([1, 1, 0]);
});

describe("compareGraphs", () => {
  const ITEMS = [
    [1, 0.74],
    [0.26, 1],
    [1, 0.99],
  ];
  const data: Dataset = { count: 3, kind: "values", description: "test", item: async (i) => ({ x: Float32Array.from(ITEMS[i]) }) };
  const identity = f32([1, 0, 0, 1], [2, 2]);
  const graph = graphOf({
    inputs: { x: [1, 2] },
    constants: { w: identity, v: identity },
    nodes: [
      ["MatMul", "x w", "a"],
      ["MatMul", "a v", "y"],
    ],
    outputs: "y",
  });
  const halves = { scale: Float32Array.of(0.5), zero: 0 };
  const fine = gridOfRange(-1.28, 1.27);

  const compare = (quantized: Graph, indices: readonly number[]) => compareGraphs(graph, quantized, data, { indices });

  it("of a graph with itself finds nothing apart", async () => {
    const { samples, layers, outputs, sameTop1 } = await compare(graph, [0, 1, 2]);
    expect([samples, sameTop1, outputs.maxDifference, outputs.decibels]).toEqual([3, 3, 0, Number.POSITIVE_INFINITY]);
    expect([...layers]).toEqual([
      ["a", Number.POSITIVE_INFINITY],
      ["y", Number.POSITIVE_INFINITY],
    ]);
  });

  it("measures layers on their grids and outputs as they are", async () => {
    // Inputs on a grid of 0.01 are exact; `a` falls on halves: 0.74 and 0.26 on 0.5, 0.99 on 1.
    const quantized = quantizeStatic(
      graph,
      new Map([
        ["x", fine],
        ["a", halves],
        ["y", fine],
      ]),
    );
    const { samples, layers, outputs, sameTop1 } = await compare(quantized, [0, 1, 2]);
    const signal = 1 + 0.74 ** 2 + 0.26 ** 2 + 1 + 1 + 0.99 ** 2;
    const noise = 0.24 ** 2 + 0.24 ** 2 + 0.01 ** 2;
    expect(samples).toBe(3);
    expect(layers.get("a")).toBeCloseTo(10 * Math.log10(signal / noise), 3);
    expect(layers.get("y")).toBeCloseTo(10 * Math.log10(signal / noise), 3);
    expect(outputs.decibels).toBeCloseTo(10 * Math.log10(signal / noise), 3);
    expect(outputs.maxDifference).toBeCloseTo(0.24, 5);
    expect(sameTop1).toBe(3);
  });

  it("counts the samples with the largest output at the same place", async () => {
    const swapped = { ...graph, constants: new Map(graph.constants).set("v", f32([0, 1, 1, 0], [2, 2])) };
    expect((await compare(swapped, [0, 1])).sameTop1).toBe(0);
    // All on one step of the grid: the first counts as the largest, as it is in samples 0 and 2.
    const coarse = quantizeStatic(
      graph,
      new Map([
        ["x", fine],
        ["a", { scale: Float32Array.of(4), zero: 0 }],
        ["y", fine],
      ]),
    );
    expect((await compare(coarse, [0, 1, 2])).sameTop1).toBe(2);
  });

  it("compares the values that both graphs have", async () => {
    const { layers } = await compare(quantizeDynamic(graph), [0]);
    expect([...layers.keys()]).toEqual(["a", "y"]);
    const other = graphOf({ inputs: { x: [1, 2] }, constants: { w: identity }, nodes: [["MatMul", "x w", "y"]], outputs: "y" });
    expect([...(await compare(other, [0])).layers.keys()]).toEqual(["y"]);
  });

  it("finds the integers of values whose names end as those of integers do", async () => {
    const named = graphOf({
      inputs: { x: [1, 2] },
      constants: { w: identity, v: identity },
      nodes: [
        ["MatMul", "x w", "x.q"],
        ["MatMul", "x.q v", "y"],
      ],
      outputs: "y",
    });
    const grids = new Map(["x", "x.q", "y"].map((value) => [value, fine]));
    const { layers } = await compareGraphs(named, quantizeStatic(named, grids), data, { indices: [0, 1, 2] });
    expect([...layers.keys()]).toEqual(["x.q", "y"]);
    expect(Math.min(...layers.values())).toBeGreaterThan(100);
  });

  it("reports its progress", async () => {
    const seen: string[] = [];
    await compareGraphs(graph, graph, data, { indices: [0, 2], onProgress: (done, total) => seen.push(`${done}/${total}`) });
    expect(seen).toEqual(["1/2", "2/2"]);
  });
});
