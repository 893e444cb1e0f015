import { describe, expect, it } from "vitest";
import { EdgepackError } from "../../src/errors.ts";
import { readOnnx, writeOnnx } from "../../src/onnx/index.ts";
import { optimize } from "../../src/passes/index.ts";
import { i64, tensor } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";
import { failure, model, node, value } from "./model.ts";

const small = writeOnnx(
  graphOf({
    inputs: { x: [1, 2, 4, 4] },
    constants: { w: random([2, 2, 3, 3], 1), b: random([2], 2), s: i64([1, -1]), lo: tensor("f32", [0], []), hi: tensor("f32", [6], []) },
    nodes: [
      ["Conv", "x w b", "c", { pads: [1, 1, 1, 1] }],
      ["Clip", "c lo hi", "r"],
      ["MaxPool", "r", "p", { kernel_shape: [2, 2], strides: [2, 2] }],
      ["Transpose", "p", "t", { perm: [0, 2, 3, 1] }],
      ["Reshape", "t s", "y"],
    ],
    outputs: "y",
  }),
);

/** Whether the file is taken; anything thrown that is no EdgepackError fails the test. */
function taken(bytes: Uint8Array): boolean {
  try {
    optimize(readOnnx(bytes).graph);
    return true;
  } catch (error) {
    if (error instanceof EdgepackError) return false;
    throw error;
  }
}

/** A model whose graph is nothing but nodes without a field, two bytes each. */
function emptyNodes(n: number): Uint8Array {
  const size = [0, 7, 14, 21].map((shift) => ((2 * n) >> shift) & 127).map((bits, i) => (i < 3 ? bits | 128 : bits));
  const bytes = new Uint8Array(5 + 2 * n);
  bytes.set([0x3a, ...size]);
  for (let i = 5; i < bytes.length; i += 2) bytes[i] = 0x0a;
  return bytes;
}

describe("damaged files", () => {
  it("cut at every length are refused", () => {
    expect(taken(small)).toBe(true);
    for (let n = 0; n < small.length; n++) expect(taken(small.subarray(0, n)), `cut to ${n} bytes`).toBe(false);
  });

  it("with any bit flipped are refused or read, never a crash", () => {
    for (let bit = 0; bit < small.length * 8; bit++) {
      const bytes = small.slice();
      bytes[bit >> 3] ^= 1 << (bit & 7);
      taken(bytes);
    }
  });

  it("say at which byte and in which field they end", () => {
    expect(failure(() => readOnnx(small.subarray(0, 60)))).toMatchInlineSnapshot(
      `"ONNX_INVALID: The ONNX file is damaged or cut short: a field is longer than the message that holds it, at byte 15 of 60 in model.graph."`,
    );
  });

  it("cannot make the reader recurse, loop or allocate", () => {
    const groups = new Uint8Array(100_000).fill(0x1b);
    expect(failure(() => readOnnx(groups))).toContain("ONNX_INVALID");
    const empty = emptyNodes(3_000_000);
    expect(failure(() => readOnnx(empty))).toContain("more than 2097152 messages");
    const varint = new Uint8Array(100_000).fill(0xff);
    expect(failure(() => readOnnx(varint))).toContain("ONNX_INVALID");
  });
});

describe("lying files", () => {
  const graph = { input: [value("x", [2])], output: [value("y")], node: [node("Add", "x w", "y")] };
  const weights = (proto: object) => failure(() => readOnnx(model({ ...graph, initializer: [{ name: "w", dataType: 1, ...proto }] })));

  it("with more elements than data", () => {
    expect(weights({ dims: [2 ** 40, 2 ** 40], rawData: new Uint8Array(8) })).toContain(
      "8 bytes of data for float[1099511627776,1099511627776]",
    );
    expect(weights({ dims: [-1], floatData: [1] })).toContain("dimensions [-1] are negative");
    expect(weights({ dims: [3], floatData: [1] })).toContain("1 elements of data for float[3], which has 3");
    expect(weights({ dims: [1], dataType: 8 })).toContain("element type string is not supported");
  });

  it("with small constants that describe huge tensors", () => {
    const huge = { name: "w", dims: [3], dataType: 7, int64Data: [2 ** 20, 2 ** 20, 2 ** 20] };
    const bytes = model({ ...graph, initializer: [huge], node: [node("ConstantOfShape", "w", "z"), node("Expand", "x w", "y")] });
    expect(failure(() => optimize(readOnnx(bytes).graph))).toContain("is larger than memory");
  });

  it("with many constants that are each just small enough", () => {
    const shape = { name: "w", dims: [1], dataType: 7, int64Data: [2 ** 22] };
    const many = Array.from({ length: 200 }, (_, i) => node("ConstantOfShape", "w", `z${i}`));
    const bytes = model({ ...graph, output: many.map((_, i) => value(`z${i}`)), initializer: [shape], node: many });
    const folded = optimize(readOnnx(bytes).graph);
    const elements = [...folded.constants.values()].reduce((n, { data }) => n + data.length, 0);
    expect(elements).toBeLessThanOrEqual(2 ** 25 * 2 + 8);
  });

  it("whose graph is no graph", () => {
    const of = (nodes: ReturnType<typeof node>[], output = "y") =>
      failure(() => readOnnx(model({ input: [value("x", [2])], output: [value(output)], node: nodes })));
    expect(of([node("Add", "x b", "a"), node("Abs", "a", "b"), node("Abs", "b", "y")])).toContain("depend on each other in a circle");
    expect(of([node("Add", "x nowhere", "y"), node("Abs", "lost", "z")])).toMatchInlineSnapshot(`
      "ONNX_INVALID: The model's graph is not valid:
        - Add Add_y reads nowhere, which nothing writes
        - Abs Abs_z reads lost, which nothing writes"
    `);
    expect(of([node("Abs", "x", "y"), node("Neg", "x", "y")])).toContain("y is written twice, the second time by Neg");
    expect(of([node("Abs", "x", "y")], "z")).toContain("output z is written by nothing");
  });
});

describe("files of other kinds", () => {
  const ascii = (text: string) => new TextEncoder().encode(text.padEnd(64));
  it.each([
    ["a zip archive", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0), "torch.onnx.export"],
    ["TensorFlow Lite", ascii("\x1c\0\0\0TFL3"), "tf2onnx"],
    ["a Git LFS pointer", ascii("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"],
    ["an HTML", ascii("<!DOCTYPE html><html>"), "download the file itself"],
    ["gzip", Uint8Array.of(0x1f, 0x8b, 8, 0), "gunzip"],
    ["an HDF5 file", Uint8Array.of(0x89, 0x48, 0x44, 0x46), "tf2onnx"],
    ["GGUF", ascii("GGUF"), ".onnx"],
    ["safetensors", Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, ...ascii('{"a":1}')), "export the model"],
    ["an empty file", new Uint8Array(0), "export or download finished"],
  ])("%s is recognised", (what, bytes, next) => {
    const text = failure(() => readOnnx(bytes));
    expect(text).toMatch(/^ONNX_INVALID: This is/);
    expect(text).toContain(what);
    expect(text).toContain(next);
  });
});
