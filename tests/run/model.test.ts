import { describe, expect, it } from "vitest";
import { Op } from "../../assembly/shared/plan.ts";
import type { Preprocess } from "../../src/format/image.ts";
import { writeEpk } from "../../src/format/index.ts";
import { load, type Model, type TypedArray, topK } from "../../src/run/index.ts";
import { clipPack } from "../format/sample.ts";
import { moduleOf } from "../format/wasm.ts";

const wasm = moduleOf("simd");
const clip = (): Promise<Model> => load(writeEpk(clipPack()), { wasm });
const x = Float32Array.of(-3, -0.5, 0, 0.25, 1, 2, 3, Number.NaN);
const invalid = (text: RegExp) =>
  expect.objectContaining({ name: "EdgepackError", code: "INPUT_INVALID", message: expect.stringMatching(text) });

describe("run", () => {
  it("describes what it takes and gives, without addresses", async () => {
    const { name, inputs, outputs, labels } = await clip();
    expect({ name, inputs, outputs, labels }).toEqual({
      name: "clip",
      inputs: [{ name: "x", dtype: "f32", shape: [8] }],
      outputs: [{ name: "y", dtype: "f32", shape: [8] }],
      labels: undefined,
    });
  });

  it("gives arrays of its own, which the next run leaves alone", async () => {
    const model = await clip();
    const first = model.run({ x });
    const second = model.run({ x: new Float32Array(8) });
    expect(first.y).toEqual(Float32Array.of(-1, -0.5, 0, 0.25, 1, 1, 1, Number.NaN));
    expect(second.y).toEqual(new Float32Array(8));
  });

  it("writes into arrays that are given", async () => {
    const y = new Float32Array(8);
    const result = (await clip()).run({ x }, { y });
    expect(result.y).toBe(y);
    expect(y[0]).toBe(-1);
  });

  it("grows no memory", async () => {
    const model = await clip();
    const { bytes } = model.memory;
    for (let i = 0; i < 100; i++) model.run({ x });
    expect(model.memory.bytes).toBe(bytes);
  });

  it("two models have nothing in common", async () => {
    const [a, b] = [await clip(), await clip()];
    a.run({ x });
    expect(b.run({ x: new Float32Array(8) }).y).toEqual(new Float32Array(8));
  });

  it("says all that is wrong at once", async () => {
    const model = await clip();
    const wrong = { z: new Float32Array(8), x: new Int8Array(7) };
    expect(() => model.run(wrong, { y: new Float32Array(9), w: new Float32Array(1) })).toThrow(
      expect.objectContaining({
        code: "INPUT_INVALID",
        problems: [
          expect.stringMatching(/input "z".*"x"/),
          expect.stringMatching(/output "w".*"y"/),
          expect.stringMatching(/"x" takes Float32Array of 8.*Int8Array of 7/),
          expect.stringMatching(/"y" takes Float32Array of 8.*of 9/),
        ],
      }),
    );
    expect(() => model.run({})).toThrow(invalid(/"x".*nothing/));
    expect(() => model.run({ x: new Uint8Array(8) })).toThrow(invalid(/Uint8Array/));
  });

  it("takes names that objects have for unknown ones", async () => {
    const model = await clip();
    expect(() => model.run({ x, ...JSON.parse('{"__proto__": 1}') })).toThrow(invalid(/__proto__/));
  });

  it("takes and gives ports of any name, those of Object.prototype too", async () => {
    for (const name of ["constructor", "toString", "__proto__"]) {
      const { meta, regions } = clipPack();
      const renamed = { ...meta, inputs: [{ ...meta.inputs[0], name }], outputs: [{ ...meta.outputs[0], name }] };
      const model = await load(writeEpk({ meta: renamed, regions }), { wasm });
      const result = model.run(Object.fromEntries([[name, x]]));
      expect(Object.entries(result)).toEqual([[name, Float32Array.of(-1, -0.5, 0, 0.25, 1, 1, 1, Number.NaN)]]);
      const y = new Float32Array(8);
      expect(model.run(Object.fromEntries([[name, x]]), Object.fromEntries([[name, y]]))[name]).toBe(y);
      expect(() => model.run({})).toThrow(invalid(/got nothing/));
    }
  });

  it("what is no array, or no object of arrays, is INPUT_INVALID", async () => {
    const model = await clip();
    const run = model.run.bind(model) as (inputs: unknown, outputs?: unknown) => unknown;
    for (const inputs of [null, undefined]) expect(() => run(inputs)).toThrow(invalid(/arrays by name/));
    expect(() => run({ x }, null)).toThrow(invalid(/arrays by name/));
    for (const value of [Object.create(null), 5, "x", null, [1, 2], new DataView(new ArrayBuffer(32)), { length: 8 }]) {
      expect(() => run({ x: value })).toThrow(invalid(/"x" takes Float32Array of 8.*got/));
      expect(() => run({ x }, { y: value })).toThrow(invalid(/"y" takes Float32Array of 8.*got/));
    }
    expect(() => run(7)).toThrow(invalid(/got nothing/));
    expect(() => run({ x }, { y: undefined })).not.toThrow();
  });

  it("a plan that leads nowhere is an EdgepackError, not a trap", async () => {
    const pack = clipPack();
    const broken = pack.regions.map((region) =>
      region.data instanceof Int32Array
        ? { ...region, data: Int32Array.of(Op.f32_unary, 8, 0, 2 ** 30, 2 ** 30, 0, 0, 2 ** 30, Op.end, 2) }
        : region,
    );
    const model = await load(writeEpk({ ...pack, regions: broken }), { wasm });
    expect(() => model.run({ x })).toThrow(expect.objectContaining({ name: "EdgepackError", code: "EPK_INVALID" }));
  });

  it("is over after dispose, which a using declaration calls", async () => {
    const model = await clip();
    model[Symbol.dispose]();
    expect(() => model.run({ x })).toThrow(invalid(/disposed/));
    model.dispose();
  });
});

describe("raw pixels", () => {
  const mean = [0.5, 0.25, 0];
  const std = [0.5, 2, 1];
  /** Values in −1..1 pass the model unchanged. */
  const through = async (shape: number[], preprocess: Preprocess, pixels: TypedArray): Promise<number[]> => {
    const n = shape.reduce((a, b) => a * b, 1);
    const model = await load(writeEpk(clipPack(n, { shape, preprocess })), { wasm });
    return [...model.run({ x: pixels }).y];
  };
  const normal = (byte: number, c: number) => Math.fround((byte / 255 - mean[c]) / std[c]);
  const rgb = Uint8Array.of(10, 20, 30, 40, 50, 60);
  const rgba = Uint8ClampedArray.of(10, 20, 30, 255, 40, 50, 60, 0);
  const planar = [normal(10, 0), normal(40, 0), normal(20, 1), normal(50, 1), normal(30, 2), normal(60, 2)];
  const packed = [10, 20, 30, 40, 50, 60].map((byte, i) => normal(byte, i % 3));

  it("become (byte / 255 − mean) / std, planes for NCHW", async () => {
    expect(await through([1, 3, 1, 2], { mean, std, layout: "nchw" }, rgb)).toEqual(planar);
  });

  it("stay together for NHWC, and a shape needs no batch", async () => {
    expect(await through([1, 1, 2, 3], { mean, std, layout: "nhwc" }, rgb)).toEqual(packed);
    expect(await through([1, 2, 3], { mean, std, layout: "nhwc" }, rgb)).toEqual(packed);
  });

  it("lose the alpha that a canvas gives", async () => {
    expect(await through([1, 3, 1, 2], { mean, std, layout: "nchw" }, rgba)).toEqual(planar);
    expect(await through([1, 1, 2, 3], { mean, std, layout: "nhwc" }, rgba)).toEqual(packed);
  });

  it("of a canvas become luma where the model sees gray", async () => {
    const gray = { mean: [0], std: [1], layout: "nchw" } as const;
    const luma = (r: number, g: number, b: number) => Math.fround(Math.round(0.299 * r + 0.587 * g + 0.114 * b) / 255);
    expect(await through([1, 1, 1, 2], gray, rgba)).toEqual([luma(10, 20, 30), luma(40, 50, 60)]);
    expect(await through([1, 1, 1, 2], gray, Uint8Array.of(0, 51))).toEqual([0, Math.fround(0.2)]);
  });

  it("of several pictures are put one after the other", async () => {
    const two = Uint8Array.of(...rgb, ...rgb);
    expect(await through([2, 3, 1, 2], { mean, std, layout: "nchw" }, two)).toEqual([...planar, ...planar]);
  });

  it("of another size are INPUT_INVALID; f32 values are taken as they are", async () => {
    await expect(through([1, 3, 1, 2], { mean, std, layout: "nchw" }, new Uint8Array(7))).rejects.toThrow(
      invalid(/raw bytes.*Uint8Array of 7/),
    );
    expect(await through([1, 3, 1, 2], { mean, std, layout: "nchw" }, new Float32Array(6).fill(0.5))).toEqual(Array(6).fill(0.5));
  });
});

describe("topK", () => {
  it("ranks the largest first, ties by index, NaN last", () => {
    expect(topK(Float32Array.of(1, Number.NaN, 3, 3, -1), 4).map(({ index }) => index)).toEqual([2, 3, 0, 4]);
  });

  it("gives labels where there are some", () => {
    expect(topK([0.1, 0.9], 1, ["cat", "dog"])).toEqual([{ index: 1, label: "dog", score: 0.9 }]);
    expect(topK([0.5], 5)).toEqual([{ index: 0, score: 0.5 }]);
  });
});
