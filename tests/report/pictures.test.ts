import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import { encodePng } from "../../src/report/png.ts";
import { thumbnailOf } from "../../src/report/thumbnail.ts";

describe("a picture as PNG", () => {
  it.each([1, 3] as const)("of %i channels decodes to what it was", (channels) => {
    const data = Uint8Array.from({ length: 5 * 4 * channels }, (_, i) => (i * 37) % 256);
    const decoded = decode(encodePng({ width: 5, height: 4, channels, data }));
    expect([decoded.width, decoded.height, decoded.channels, decoded.depth]).toEqual([5, 4, channels, 8]);
    expect(Uint8Array.from(decoded.data)).toEqual(data);
  });
});

describe("a thumbnail", () => {
  const preprocess = { mean: [0, 0, 0], std: [1, 1, 1], layout: "nchw" } as const;
  const pixels = Uint8Array.from({ length: 12 }, (_, i) => i);

  it("of bytes that the runtime preprocesses is those bytes", () => {
    const picture = thumbnailOf({ name: "x", shape: [1, 3, 2, 2], preprocess }, pixels)!;
    expect(picture).toEqual({ width: 2, height: 2, channels: 3, data: pixels });
  });
  it("of planes has its channels together", () => {
    const picture = thumbnailOf({ name: "x", shape: [1, 3, 2, 2], dtype: "u8" }, pixels)!;
    expect([...picture.data]).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
  });
  it("of f32 values spreads them over all grays", () => {
    const picture = thumbnailOf({ name: "x", shape: [1, 1, 2, 2] }, Float32Array.of(-1, 0, 0.5, 1))!;
    expect([...picture.data]).toEqual([0, 127, 191, 255]);
  });
  it("of a large image is at most 64 pixels a side, in its proportions", () => {
    const picture = thumbnailOf({ name: "x", shape: [1, 1, 100, 200], dtype: "u8" }, new Uint8Array(20000))!;
    expect([picture.width, picture.height]).toEqual([64, 32]);
  });
  it("is none where the input is no image, or the item does not fit it", () => {
    expect(thumbnailOf({ name: "x", shape: [1, 5] }, new Float32Array(5))).toBeUndefined();
    expect(thumbnailOf({ name: "x", shape: [1, 1, 4, 4], dtype: "u8" }, new Uint8Array(15))).toBeUndefined();
  });
});
