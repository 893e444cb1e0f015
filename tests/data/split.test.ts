import { describe, expect, it } from "vitest";
import { type Dataset, splitDataset, stratify } from "../../src/data/index.ts";

const dataset = (values: number[], labels?: number[]): Dataset => ({
  count: values.length,
  labels: labels && Int32Array.from(labels),
  kind: "values",
  description: "test",
  item: async (i) => ({ x: Float32Array.of(values[i]) }),
});
const values = (part: Dataset) => Promise.all(Array.from({ length: part.count }, async (_, i) => (await part.item(i)).x[0]));
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

describe("splitDataset", () => {
  const labels = range(1000).map((i) => (i % 10 === 0 ? 1 : 0));
  const source = dataset(range(1000), labels);

  it("gives each part its share of all and of every class, and each item to one part", async () => {
    const parts = await splitDataset(source, [0.8, 0.1, 0.1], 7);
    expect(parts.map(({ count }) => count)).toEqual([800, 100, 100]);
    expect(parts.map((part) => part.labels!.filter((l) => l === 1).length)).toEqual([80, 10, 10]);
    const seen = (await Promise.all(parts.map(values))).flat();
    expect(seen.sort((a, b) => a - b)).toEqual(range(1000));
    for (const part of parts) for (const [i, v] of (await values(part)).entries()) expect(part.labels![i]).toBe(labels[v]);
  });
  it("is chosen by the seed alone", async () => {
    const test = async (seed: number) => values((await splitDataset(source, [0.8, 0.1, 0.1], seed))[2]);
    expect(await test(1)).toEqual(await test(1));
    expect(await test(1)).not.toEqual(await test(2));
  });
  it("keeps duplicates in one part, whatever their labels", async () => {
    const twice = dataset(
      range(400).map((i) => i >> 1),
      range(400).map((i) => i % 2),
    );
    const parts = await Promise.all((await splitDataset(twice, [0.5, 0.25, 0.25], 3)).map(values));
    const sets = parts.map((part) => new Set(part));
    for (const [p, part] of parts.entries()) for (const v of part) expect(sets.filter((set) => set.has(v))).toEqual([sets[p]]);
    expect(parts.map((part) => part.length)).toEqual([200, 100, 100]);
  });
  it("carries what a part lacks from class to class: many small classes leave none without", async () => {
    const classes = dataset(
      range(300),
      range(300).map((i) => Math.floor(i / 5)),
    );
    expect((await splitDataset(classes, [0.8, 0.1, 0.1], 0)).map(({ count }) => count)).toEqual([240, 30, 30]);
  });
  it("may leave out parts", async () => {
    expect((await splitDataset(source, [0, 1], 0)).map(({ count }) => count)).toEqual([0, 1000]);
  });
  it.each([[[0.8, 0.1]], [[1.2, -0.2]], [[Number.NaN, 1]]])("refuses the shares %j", async (shares) => {
    await expect(splitDataset(source, shares, 0)).rejects.toMatchObject({ code: "USAGE" });
  });
  it("refuses a share that gets no item", async () => {
    await expect(splitDataset(dataset([1, 2]), [0.8, 0.1, 0.1], 0)).rejects.toMatchObject({ code: "DATA_INVALID" });
  });
});

describe("stratify", () => {
  it("draws exactly as many single items as a share of two is of them, for any classes", () => {
    for (let take = 0; take <= 97; take++) {
      const bundles = range(97).map((i) => ({ items: [i], label: (i * i) % 13 }));
      expect(stratify(bundles, [take / 97, 1 - take / 97], take)[0]).toHaveLength(take);
    }
  });
});
