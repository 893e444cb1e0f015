import { describe, expect, it } from "vitest";
import { fitTo, resize } from "../../src/data/fit.ts";
import { imageInput, toInput, withChannels } from "../../src/data/pixels.ts";

const preprocess = (layout: "nchw" | "nhwc") => ({ mean: [0], std: [1], layout });

const gray = (width: number, height: number, data: number[]) => ({ width, height, channels: 1 as const, data: Uint8Array.from(data) });

describe("imageInput", () => {
  it.each([
    [[1, 3, 224, 200], undefined, { channels: 3, height: 224, width: 200, planar: true, form: "unit" }],
    [[1, 224, 200, 3], undefined, { channels: 3, height: 224, width: 200, planar: false, form: "unit" }],
    [[1, 28, 28], undefined, { channels: 1, height: 28, width: 28, planar: true }],
    [[28, 20], undefined, { channels: 1, height: 28, width: 20 }],
    [[1, 784], undefined, { channels: 1, height: 28, width: 28 }],
    [[1, 3, 64, 3], preprocess("nhwc"), { height: 3, width: 64, planar: false, form: "raw" }],
    [[1, 3, 64, 3], preprocess("nchw"), { height: 64, width: 3, planar: true, form: "raw" }],
  ])("reads %j", (shape, pre, wanted) => {
    expect(imageInput({ name: "x", shape, preprocess: pre })).toMatchObject(wanted);
  });
  it.each([[[1, 2, 28, 28]], [[8, 1, 28, 28]], [[1, 5]], [[]]])("refuses %j", (shape) => {
    expect(() => imageInput({ name: "x", shape })).toThrow(/input x of f32/);
  });
});

describe("withChannels", () => {
  it("makes gray by BT.601 luma and leaves gray values as they are", () => {
    const data = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9, 255, 255, 255);
    expect([...withChannels({ width: 5, height: 1, channels: 3, data }, 1).data]).toEqual([76, 150, 29, 9, 255]);
  });
  it("repeats gray", () => {
    expect([...withChannels({ width: 2, height: 1, channels: 1, data: Uint8Array.of(1, 2) }, 3).data]).toEqual([1, 1, 1, 2, 2, 2]);
  });
});

describe("fitTo", () => {
  const columns = gray(4, 2, [10, 20, 30, 40, 10, 20, 30, 40]);

  it("stretches where nothing is said", () => {
    expect(fitTo(columns, 2, 2, {})).toEqual(resize(columns, 2, 2));
  });
  it("covers with the middle of the longer side", () => {
    expect([...fitTo(columns, 2, 2, { resize: "cover" }).data]).toEqual([20, 30, 20, 30]);
  });
  it("keeps the fraction of the shorter side that crop says, in the middle", () => {
    const ramp = gray(
      4,
      4,
      Array.from({ length: 16 }, (_, i) => i * 10),
    );
    expect([...fitTo(ramp, 2, 2, { resize: "cover", crop: 0.5 }).data]).toEqual([50, 60, 90, 100]);
  });
  it("contains between bars of gray", () => {
    expect([...fitTo(columns, 4, 4, { resize: "contain" }).data]).toEqual([
      ...[114, 114, 114, 114],
      ...columns.data,
      ...[114, 114, 114, 114],
    ]);
    expect([...fitTo(gray(1, 1000, new Array(1000).fill(7)), 2, 2, { resize: "contain" }).data]).toEqual([7, 114, 7, 114]);
  });
});

describe("resize", () => {
  it("doubles as torch.nn.functional.interpolate does", () => {
    expect([...resize(gray(2, 1, [0, 100]), 1, 4).data]).toEqual([0, 25, 75, 100]);
    expect([...resize(gray(2, 2, [0, 40, 80, 120]), 4, 4).data]).toEqual([
      0, 10, 30, 40, 20, 30, 50, 60, 60, 70, 90, 100, 80, 90, 110, 120,
    ]);
  });
  it("samples at centres where it shrinks", () => {
    expect([...resize(gray(4, 1, [0, 10, 20, 30]), 1, 2).data]).toEqual([5, 25]);
    expect([...resize(gray(3, 1, [0, 10, 20]), 1, 1).data]).toEqual([10]);
  });
  it("keeps channels apart", () => {
    const rgb = { width: 2, height: 1, channels: 3 as const, data: Uint8Array.of(0, 100, 200, 100, 200, 100) };
    expect([...resize(rgb, 1, 1).data]).toEqual([50, 150, 150]);
  });
});

describe("toInput", () => {
  const rgb = { width: 2, height: 1, channels: 3 as const, data: Uint8Array.of(0, 51, 102, 153, 204, 255) };
  const at = (shape: number[], extra = {}) => toInput(rgb, imageInput({ name: "x", shape, ...extra }));
  it("gives raw bytes to a model that carries its preprocessing", () => {
    expect(at([1, 3, 1, 2], { preprocess: preprocess("nchw") })).toEqual(rgb.data);
  });
  it("gives f32 in 0..1 in the model's layout else", () => {
    expect(at([1, 3, 1, 2])).toEqual(Float32Array.of(0, 0.6, 0.2, 0.8, 0.4, 1));
    const tall = { ...rgb, width: 1, height: 2 };
    expect(toInput(tall, imageInput({ name: "x", shape: [1, 2, 1, 3] }))).toEqual(Float32Array.of(0, 0.2, 0.4, 0.6, 0.8, 1));
  });
  it("gives bytes in the model's layout to an input of u8", () => {
    expect(at([1, 3, 1, 2], { dtype: "u8" })).toEqual(Uint8Array.of(0, 153, 51, 204, 102, 255));
  });
});
