import { describe, expect, it } from "vitest";
import { partsOf } from "../../src/compress/parts.ts";
import type { Dataset } from "../../src/data/index.ts";

const dataset = (values: number[], labels?: number[]): Dataset => ({
  count: values.length,
  labels: labels && Int32Array.from(labels),
  kind: "values",
  description: "test",
  item: async (i) => ({ x: Float32Array.of(values[i]) }),
});
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const counts = (labels: number[]) => [0, 1].map((label) => labels.filter((l) => l === label).length);

describe("partsOf", () => {
  const labels = range(1000).map((i) => Number(i % 5 === 0));
  const data = dataset(range(1000), labels);

  it("takes validation from what calibration leaves, each class by its share", async () => {
    const { calibration, validation } = await partsOf({ calibration: data, calibrationCount: 100, validationCount: 90, seed: 1 });
    expect([calibration.indices.length, validation!.indices.length]).toEqual([100, 90]);
    expect(validation!.indices.filter((i) => calibration.indices.includes(i))).toEqual([]);
    const rest = counts(
      range(1000)
        .filter((i) => !calibration.indices.includes(i))
        .map((i) => labels[i]),
    );
    for (const [label, count] of counts(validation!.indices.map((i) => labels[i])).entries())
      expect(Math.abs(count - rest[label] / 10)).toBeLessThanOrEqual(1);
  });
  it("takes each class by its share from validation data of their own", async () => {
    const own = dataset(
      range(1000).map((i) => i + 1000),
      labels,
    );
    const { validation } = await partsOf({ calibration: data, calibrationCount: 100, validation: own, validationCount: 50, seed: 1 });
    expect(counts(validation!.indices.map((i) => labels[i]))).toEqual([40, 10]);
  });
  it("leaves out what calibration has seen under another index", async () => {
    const twice = dataset(range(100).map((i) => i >> 1));
    const { calibration, validation } = await partsOf({ calibration: twice, calibrationCount: 30, validationCount: 100, seed: 2 });
    const seen = new Set(calibration.indices.map((i) => i >> 1));
    expect(validation!.indices.filter((i) => seen.has(i >> 1))).toEqual([]);
    expect(validation!.indices).toHaveLength(100 - 2 * seen.size);
  });
  it("refuses validation data that hold calibration items", async () => {
    const options = { calibration: data, calibrationCount: 1000, validation: dataset([-1, 5]), validationCount: 2, seed: 0 };
    await expect(partsOf(options)).rejects.toMatchObject({
      code: "DATA_INVALID",
      message: expect.stringMatching(/^1 of 2 validation items/),
    });
  });
  it("has no validation where nothing is left for it", async () => {
    expect(await partsOf({ calibration: data, calibrationCount: 1000, validationCount: 10, seed: 0 })).not.toHaveProperty("validation");
  });
});
