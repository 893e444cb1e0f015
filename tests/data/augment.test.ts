import { describe, expect, it } from "vitest";
import { type AugmentOptions, augment, type Dataset, type InputSpec, type ItemData } from "../../src/data/index.ts";

const dataset = (kind: Dataset["kind"], x: ItemData): Dataset => ({
  count: 1,
  labels: Int32Array.of(3),
  kind,
  description: "test",
  item: async () => ({ x }),
});
/** The items that come of `copies` of one. */
async function copiesOf(kind: Dataset["kind"], spec: Partial<InputSpec>, x: ItemData, options: AugmentOptions): Promise<number[][]> {
  const made = augment(dataset(kind, x), [{ name: "x", shape: [x.length], ...spec }], { copies: 40, ...options });
  expect([made.count, made.labels!.every((label) => label === 3)]).toEqual([40, true]);
  return Promise.all(Array.from({ length: 40 }, async (_, i) => [...(await made.item(i)).x]));
}
const distinct = (items: number[][]) => [...new Set(items.map((item) => item.join(",")))].sort();

const raw = { shape: [1, 3, 1, 2], preprocess: { mean: [0], std: [1], layout: "nchw" as const } };
const planar = { shape: [1, 3, 1, 2] };

describe("augment", () => {
  it("mirrors bytes that lie pixel by pixel, and floats that lie plane by plane", async () => {
    expect(distinct(await copiesOf("images", raw, Uint8Array.of(1, 2, 3, 4, 5, 6), { flip: true }))).toEqual([
      "1,2,3,4,5,6",
      "4,5,6,1,2,3",
    ]);
    expect(distinct(await copiesOf("images", planar, Float32Array.of(0, 1, 0.5, 0.25, 0, 1), { flip: true }))).toEqual([
      "0,1,0.5,0.25,0,1",
      "1,0,0.25,0.5,1,0",
    ]);
  });
  it("moves images over black by at most the padding, in both directions", async () => {
    const one = new Uint8Array(25).fill(0).fill(9, 12, 13);
    const items = await copiesOf("images", { shape: [1, 1, 5, 5], dtype: "u8" }, one, { crop: 1, copies: 40 });
    const places = new Set(items.map((item) => item.indexOf(9)));
    for (const place of places) expect([6, 7, 8, 11, 12, 13, 16, 17, 18]).toContain(place);
    expect(places.size).toBeGreaterThan(5);
  });
  it("changes brightness and contrast within their amounts, and stays in range", async () => {
    const light = (await copiesOf("images", { shape: [1, 1, 1, 2] }, Float32Array.of(0.5, 1), { brightness: 0.2 })).map(([a, b]) => [a, b]);
    for (const [a, b] of light) {
      expect(Math.abs(a - 0.5)).toBeLessThanOrEqual(0.2 + 1e-6);
      expect(b).toBeCloseTo(Math.min(1, a + 0.5), 5);
    }
    expect(Math.max(...light.map(([a]) => a)) - Math.min(...light.map(([a]) => a))).toBeGreaterThan(0.2);
    for (const [a, b] of await copiesOf("images", { shape: [1, 1, 1, 2] }, Float32Array.of(0.4, 0.6), { contrast: 0.5 })) {
      expect(a + b).toBeCloseTo(1, 5);
      expect(b - a).toBeGreaterThanOrEqual(0.1 - 1e-6);
      expect(b - a).toBeLessThanOrEqual(0.3 + 1e-6);
    }
  });
  it("shifts sound over silence, and changes its loudness by decibels", async () => {
    for (const item of await copiesOf("sound", {}, Float32Array.of(0.1, 0.2, 0.3, 0.4), { shift: 0.5 }))
      expect(["0.3,0.4,0,0", "0.2,0.3,0.4,0", "0.1,0.2,0.3,0.4", "0,0.1,0.2,0.3", "0,0,0.1,0.2"]).toContain(
        item.map((v) => Number(v.toFixed(3))).join(),
      );
    const loud = (await copiesOf("sound", {}, Float32Array.of(0.1), { gain: 6 })).map(([v]) => 20 * Math.log10(v / 0.1));
    for (const decibels of loud) expect(Math.abs(decibels)).toBeLessThanOrEqual(6 + 1e-4);
    expect(distinct(loud.map((v) => [v])).length).toBe(40);
  });
  it("adds noise of the standard deviation asked for", async () => {
    const items = (await copiesOf("values", {}, new Float32Array(1000).fill(5), { noise: 0.5 })).flat().map((v) => v - 5);
    expect(Math.sqrt(items.reduce((sum, v) => sum + v * v, 0) / items.length)).toBeCloseTo(0.5, 1);
  });
  it("depends on the seed and the item alone", async () => {
    const noisy = (seed: number) => copiesOf("values", {}, Float32Array.of(1), { noise: 1, seed });
    expect(await noisy(1)).toEqual(await noisy(1));
    expect(distinct(await noisy(1))).toHaveLength(40);
    expect(await noisy(1)).not.toEqual(await noisy(2));
  });
  it("leaves items as they are where nothing is asked for", async () => {
    expect(distinct(await copiesOf("values", { dtype: "i32" }, Int32Array.of(2 ** 30, 1), {}))).toEqual([`${2 ** 30},1`]);
  });
  it("refuses what does not fit the data, all at once", () => {
    const sound = dataset("sound", new Float32Array(2));
    expect(() => augment(sound, [{ name: "x", shape: [1, 2] }], { flip: true, crop: 2, gain: 1 })).toThrow(
      /flip, crop cannot be done to sound/,
    );
    const ids = dataset("values", new Int32Array(2));
    expect(() => augment(ids, [{ name: "x", shape: [1, 2], dtype: "i32" }], { noise: 1 })).toThrow(/input x takes i32/);
  });
});
