import { describe, expect, it } from "vitest";
import { invalid } from "../../src/data/dataset.ts";
import { checkLabels, clean, countsOf, type Dataset, examine, type Finding, openDataset, readItems } from "../../src/data/index.ts";
import { file, folder, grayPng } from "./files.ts";

/** A dataset of single numbers; a text is an item that cannot be read. */
const dataset = (values: (number | string)[], labels?: number[]): Dataset => ({
  count: values.length,
  labels: labels && Int32Array.from(labels),
  kind: "values",
  description: "test",
  async item(i) {
    const value = values[i];
    if (typeof value === "string") throw invalid(value, "damaged");
    return { x: Float32Array.of(0, value) };
  },
});
const all = ({ count }: Dataset) => Array.from({ length: count }, (_, i) => i);
const MIXED = dataset([1, "a.png", Number.NaN, 2, 1, Number.POSITIVE_INFINITY, 3, 1, 4], [0, 0, 0, 9, 0, 0, 1, 1, -1]);

describe("clean", () => {
  it("leaves out what is bad and all but the first of duplicates, and names each once", async () => {
    const { dataset: good, findings } = await clean(MIXED, 2);
    expect(await Promise.all(all(good).map(async (i) => (await good.item(i)).x[1]))).toEqual([1, 3]);
    expect(good).toMatchObject({ count: 2, labels: Int32Array.of(0, 1), description: "2 of test" });
    expect(countsOf(findings)).toBe("1 unreadable, 2 not finite, 2 bad label, 2 duplicate");
    expect(findings.map(({ reason }) => reason)).toEqual([
      "a.png: damaged",
      "item 2: input x is NaN at 1",
      "item 3: label 9, and there are classes 0 to 1",
      "item 4: the same as item 0",
      "item 5: input x is Infinity at 1",
      "item 7: the same as item 0, with another label",
      "item 8: it has no label, or one below 0",
    ]);
  });
  it("is the dataset itself where nothing is wrong", async () => {
    const good = dataset([1, 2]);
    expect(await clean(good)).toEqual({ dataset: good, findings: [] });
  });
  it("refuses a dataset of which nothing is left", async () => {
    await expect(clean(dataset(["a", "b"]))).rejects.toMatchObject({ code: "DATA_INVALID", problems: ["a: damaged", "b: damaged"] });
  });
  it("passes over files that are no images, where it is asked to", async () => {
    const path = folder({ "a.png": "not", "b.png": grayPng(1, 1, 1), "c.png": grayPng(2, 2, 1).subarray(0, 40) });
    const images = await openDataset(path, { part: "test", inputs: [{ name: "x", shape: [1, 1, 1, 1] }], skipBad: true });
    const { dataset: good, findings } = await clean(images);
    expect([good.count, countsOf(findings)]).toEqual([1, "2 unreadable"]);
  });
  it("names the rows of a table that hold NaN", async () => {
    const table = await openDataset(file("a.csv", "a,b\n1,nan\n-inf,1\n1,2\n"), { part: "test", inputs: [{ name: "x", shape: [1, 2] }] });
    const { findings } = await clean(table);
    expect(findings.map(({ reason }) => reason)).toEqual(["item 0: input x is NaN at 1", "item 1: input x is -Infinity at 0"]);
  });
});

describe("examine", () => {
  it("yields nothing after the first bad item, and counts and names them all at the end", async () => {
    const seen: number[] = [];
    const findings: Finding[] = [];
    const read = async () => {
      for await (const { index } of examine(MIXED, all(MIXED), { classes: 2, onFinding: (f) => findings.push(f) })) seen.push(index);
    };
    await expect(read()).rejects.toMatchObject({
      code: "DATA_INVALID",
      message: expect.stringMatching(/^test: 1 unreadable, 2 not finite, 2 bad label\n/),
      problems: expect.objectContaining({ length: 5 }),
    });
    expect(seen).toEqual([0]);
    expect(findings).toHaveLength(7);
  });
  it("counts duplicates without an error", async () => {
    const findings: Finding[] = [];
    const seen: number[] = [];
    for await (const { index } of examine(dataset([1, 1]), [0, 1], { onFinding: (f) => findings.push(f) })) seen.push(index);
    expect([seen, countsOf(findings)]).toEqual([[0, 1], "1 duplicate"]);
  });
  it("names the first 20 and says how many more there are", async () => {
    const bad = dataset(Array.from({ length: 30 }, (_, i) => `${i}`));
    const { problems } = await readItems(bad, all(bad))
      .next()
      .catch((error) => error);
    expect([problems.length, problems.at(-1)]).toEqual([21, "and 10 more"]);
  });
});

describe("checkLabels", () => {
  it("names all labels that are no class", () => {
    const reasons = () => checkLabels(dataset([1, 2, 3], [0, -1, 5]), 5);
    expect(reasons).toThrow(/2 bad label\n.*item 1: it has no label.*\n.*item 2: label 5.*0 to 4/);
    expect(() => checkLabels(dataset([1, 2], [0, 5]))).not.toThrow();
    expect(() => checkLabels(dataset([1]), 1)).not.toThrow();
  });
});
