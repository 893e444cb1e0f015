import { describe, expect, it } from "vitest";
import { calibrate, realValues } from "../../src/compress/calibrate.ts";
import { BINS } from "../../src/compress/histogram.ts";
import { inputMoments } from "../../src/compress/moments.ts";
import { gridOf, type Observer } from "../../src/compress/observers.ts";
import { type Dataset, sampleIndices, syntheticDataset } from "../../src/data/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { f32, gridOfRange, type Quant } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";

/** Each value is exact in f32 whatever the order of sums: the runtime and the definition give the same. */
const net = graphOf({
  inputs: { x: [1, 4] },
  constants: { w: f32([1, 0, 2, 0, -1, 0, 0, 3, 0, 0, 0.5, 0], [4, 3]) },
  nodes: [
    ["MatMul", "x w", "a"],
    ["Relu", "a", "r"],
    ["Neg", "r", "y"],
    ["ArgMax", "x", "s", { axis: 1 }],
  ],
  outputs: "y s",
});

const ITEMS = [
  [0.5, -1, 2, 0],
  [3, 0.25, -0.5, 7],
  [-4, 2, 1, 1],
];

const dataset = (items: readonly (readonly number[])[]): Dataset => ({
  count: items.length,
  kind: "values",
  description: "test",
  item: async (i) => ({ x: Float32Array.from(items[i]) }),
});

const all = (items: readonly unknown[]): number[] => items.map((_, i) => i);

/** Smallest and largest of each value over the items, by the definitions of the operators. */
function rangesOf(items: readonly (readonly number[])[]): Map<string, [number, number]> {
  const ranges = new Map<string, [number, number]>();
  const see = (name: string, data: ArrayLike<number>): void => {
    const [min, max] = ranges.get(name) ?? [0, 0];
    ranges.set(name, [Math.min(min, ...Array.from(data)), Math.max(max, ...Array.from(data))]);
  };
  for (const item of items) {
    const x = f32(item, [1, 4]);
    see("x", x.data);
    evaluate(net, { x }, (name, { data }) => see(name, data));
  }
  return ranges;
}

const minmax: Observer = { kind: "minmax" };

describe("calibration", () => {
  it("sees inputs and all that is computed in f32, and nothing else", () => {
    expect(realValues(net)).toEqual(["x", "a", "r", "y"]);
  });

  it("by min-max gives the grids of the ranges that evaluation sees", async () => {
    const grids = await calibrate(net, dataset(ITEMS), { indices: all(ITEMS), observer: minmax });
    const ranges = rangesOf(ITEMS);
    expect(ranges.get("x")).toEqual([-4, 7]);
    expect([...grids]).toEqual(realValues(net).map((value) => [value, gridOfRange(...ranges.get(value)!)]));
  });

  it("takes the items at its indices alone", async () => {
    const some = await calibrate(net, dataset(ITEMS), { indices: [2, 0], observer: minmax });
    expect(some).toEqual(await calibrate(net, dataset([ITEMS[0], ITEMS[2]]), { indices: [0, 1], observer: minmax }));
    expect(some.get("x")).toEqual(gridOfRange(-4, 2));
  });

  const observers: readonly Observer[] = [minmax, { kind: "percentile", percentile: 99 }, { kind: "mse" }];

  it.each(observers)("is the same for the same seed, and another for another: $kind", async (observer) => {
    const grids = (seed: number): Promise<Map<string, Quant>> => {
      const data = syntheticDataset([{ name: "x", shape: [1, 4] }], 40, seed);
      return calibrate(net, data, { indices: sampleIndices(40, 8, seed), observer });
    };
    expect(await grids(3)).toEqual(await grids(3));
    expect(await grids(3)).not.toEqual(await grids(4));
  });

  it.each(observers)("is not misled by NaN and infinities: $kind", async (observer) => {
    const wild = [
      [Number.NaN, Number.NaN, Number.NaN, Number.NaN],
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
    ];
    const grids = await calibrate(net, dataset([...ITEMS, ...wild]), { indices: all([...ITEMS, ...wild]), observer });
    expect(grids).toEqual(await calibrate(net, dataset(ITEMS), { indices: all(ITEMS), observer }));
  });

  it("gives values that are never finite a grid all the same", async () => {
    const grids = await calibrate(net, dataset([[Number.NaN, Number.NaN, Number.NaN, Number.NaN]]), {
      indices: [0],
      observer: { kind: "mse" },
    });
    for (const grid of grids.values()) expect(grid).toEqual(gridOfRange(0, 0));
  });

  it.each([
    ["minmax", 3],
    ["mse", 6],
  ] as const)("counts its passes over the items: %s", async (kind, total) => {
    const seen: string[] = [];
    await calibrate(net, dataset(ITEMS), { indices: all(ITEMS), observer: { kind }, onProgress: (done, of) => seen.push(`${done}/${of}`) });
    expect(seen).toEqual(Array.from({ length: total }, (_, i) => `${i + 1}/${total}`));
  });
});

describe("moments", () => {
  it("leave out patches with NaN and infinities", async () => {
    const wild = [...ITEMS, [1, Number.NaN, 1, 1], [1, 1, Number.POSITIVE_INFINITY, 1]];
    const moments = async (items: readonly (readonly number[])[]) =>
      (await inputMoments(net, net.nodes.slice(0, 1), dataset(items), { indices: all(items) })).get(net.nodes[0])![0];
    expect(await moments(wild)).toEqual(await moments(ITEMS));
  });
});

describe("observers on a known histogram", () => {
  /** 2048 bins of width 1/128 over −8..8. */
  const histogram = (fill: (counts: Float64Array) => void) => {
    const counts = new Float64Array(BINS);
    fill(counts);
    return { min: -8, max: 8, counts };
  };
  const bin = (value: number): number => (value + 8) * 128;

  it("percentile cuts half of what it leaves out off either end, at the edges of bins", () => {
    // 1000 elements: 5 in the first bin, 5 in the last, the others from −1 to 3.
    const known = histogram((counts) => {
      counts[0] = 5;
      counts[BINS - 1] = 5;
      counts.fill(990 / 512, bin(-1), bin(3));
    });
    expect(gridOf(known, { kind: "percentile", percentile: 99 })).toEqual(gridOfRange(-1, 3));
    expect(gridOf(known, { kind: "percentile", percentile: 99.1 })).toEqual(gridOfRange(-8, 8));
    expect(gridOf(known, { kind: "percentile", percentile: 100 })).toEqual(gridOfRange(-8, 8));
  });

  it("mse keeps the range where cutting costs more than a finer step brings", () => {
    const even = histogram((counts) => counts.fill(1));
    expect(gridOf(even, { kind: "mse" })).toEqual(gridOfRange(-8, 8));
  });

  it("mse cuts where few are far out and very many are near", () => {
    // Of the limits 8 · k / 40, the least that holds −1..1 is 1: 10⁸ · (2 / 255)² / 12 = 513 and 7² lost, against 10⁸ · (16 / 255)² / 12.
    const peaked = histogram((counts) => {
      counts.fill(1e8 / 256, bin(-1), bin(1));
      counts[BINS - 1] = 1;
    });
    const { scale, zero } = gridOf(peaked, { kind: "mse" });
    expect(zero).toBe(gridOfRange(-1, 1).zero);
    expect(scale[0]).toBeCloseTo(2 / 255, 4);
  });
});

describe("a range of random elements", () => {
  it("is on the grid to within half a step", async () => {
    const items = [1, 2, 3].map((seed) => Array.from(random([4], seed).data));
    const { scale, zero } = (await calibrate(net, dataset(items), { indices: all(items), observer: minmax })).get("x")!;
    const [min, max] = rangesOf(items).get("x")!;
    expect((-128.5 - zero) * scale[0]).toBeLessThanOrEqual(min);
    expect((127.5 - zero) * scale[0]).toBeGreaterThanOrEqual(max);
  });
});
