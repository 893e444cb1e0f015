import { describe, expect, it } from "vitest";
import { readOnnx, writeOnnx } from "../../src/onnx/index.ts";
import { fold } from "../../src/passes/fold.ts";
import { printGraph } from "../../src/semantics/print.ts";
import { f32, i64, tensor } from "../../src/tensor/index.ts";
import { graphOf } from "../graph/build.ts";
import { model, node, value } from "./model.ts";

const raw = (...bytes: number[]) => Uint8Array.from(bytes);

describe("readOnnx", () => {
  it("reads back what writeOnnx wrote", () => {
    const graph = graphOf({
      inputs: { x: [1, 2, 5, 5] },
      constants: {
        w: f32(
          Array.from({ length: 36 }, (_, i) => i / 7),
          [2, 2, 3, 3],
        ),
        shape: i64([1, -1]),
      },
      nodes: [
        ["Conv", "x w", "c", { pads: [1, 1, 1, 1], strides: [2, 2] }],
        ["LeakyRelu", "c", "l", { alpha: 0.25 }],
        ["Reshape", "l shape", "r"],
        ["Identity", "r", "y"],
      ],
      outputs: "y",
    });
    const { graph: read, opset, producer } = readOnnx(writeOnnx(graph));
    expect(printGraph(fold(read))).toBe(printGraph(graph));
    expect([opset, producer]).toEqual([17, "edgepack"]);
  });

  it("takes initializers that are listed as inputs as constants", () => {
    const bytes = model({
      input: [value("x", [2]), value("w", [2])],
      output: [value("y")],
      initializer: [{ name: "w", dims: [2], dataType: 1, floatData: [1, 2] }],
      node: [node("Add", "x w", "y")],
    });
    const { graph } = readOnnx(bytes);
    expect(graph.inputs).toEqual(["x"]);
    expect(graph.constants.get("w")).toEqual(f32([1, 2]));
  });

  it("gives nodes without a name one, and makes names unique", () => {
    const bytes = model({
      input: [value("x", [2])],
      output: [value("c")],
      node: [node("Abs", "x", "a"), node("Abs", "a", "b", {}, "same"), node("Neg", "b", "c", {}, "same")],
    });
    expect(readOnnx(bytes).graph.nodes.map((n) => n.name)).toEqual(["Abs_a", "same", "same_1"]);
  });

  it("sorts nodes that stand in the wrong order", () => {
    const bytes = model({
      input: [value("x", [2])],
      output: [value("c")],
      node: [node("Abs", "b", "c"), node("Neg", "a", "b"), node("Exp", "x", "a")],
    });
    expect(readOnnx(bytes).graph.nodes.map((n) => n.op)).toEqual(["Exp", "Neg", "Abs"]);
  });

  it("drops outputs that nobody reads, such as a mask of Dropout, but not those of Split", () => {
    const bytes = model({
      input: [value("x", [4])],
      output: [value("a")],
      node: [node("Dropout", "x", "d mask"), node("Split", "d", "a b")],
    });
    const { graph } = readOnnx(bytes);
    expect(graph.nodes.map((n) => n.outputs)).toEqual([["d"], ["a", "b"]]);
    expect(fold(graph).types.get("a")?.shape).toEqual([2]);
  });
});

describe("element types", () => {
  const read = (dataType: number, data: object, dims = [2]) => {
    const initializer = [{ name: "w", dims, dataType, ...data }];
    const result = readOnnx(model({ output: [value("w")], initializer, input: [value("x", [1])], node: [node("Abs", "x", "y")] }));
    return { value: result.graph.constants.get("w"), warnings: result.warnings };
  };

  it("reads 16-bit floats raw and typed, exactly, with subnormals, infinities and NaN", () => {
    const half = [0x3c00, 0xc000, 0x0001, 0x7c00, 0xfc00, 0x7e00];
    const expected = f32([1, -2, 2 ** -24, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]);
    expect(read(10, { int32Data: half }, [6]).value).toEqual(expected);
    expect(read(10, { rawData: new Uint8Array(Uint16Array.from(half).buffer) }, [6]).value).toEqual(expected);
    expect(read(16, { rawData: raw(0x80, 0x3f, 0x20, 0xc0) }).value).toEqual(f32([1, -2.5]));
  });

  it("reads doubles as f32 and says so", () => {
    const { value: v, warnings } = read(11, { doubleData: [0.1, 1e300] });
    expect(v).toEqual(f32([0.1, Number.POSITIVE_INFINITY]));
    expect(warnings).toEqual(["double is computed as float32: w"]);
  });

  it("takes inputs of double, half and 16-bit integers as f32 and i32, and says so of double", () => {
    const inputs = [value("d", [2], 11), value("h", [2], 10), value("s", [2], 5)];
    const bytes = model({ input: inputs, output: [value("y", [2], 11)], node: [node("Add", "d h", "y")] });
    const { graph, warnings } = readOnnx(bytes);
    expect(graph.inputs.map((name) => graph.types.get(name)?.dtype)).toEqual(["f32", "f32", "i32"]);
    expect(warnings).toEqual(["double is computed as float32: d"]);
  });

  it("saturates 64-bit integers at 2^53", () => {
    const top = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    const bottom = [0, 0, 0, 0, 0, 0, 0, 0x80];
    expect(read(7, { rawData: raw(...top, ...bottom) }).value).toEqual(i64([2 ** 53, -(2 ** 53)]));
    expect(read(7, { int64Data: [2 ** 53, -1] }).value).toEqual(i64([2 ** 53, -1]));
    expect(read(13, { rawData: raw(...bottom, 5, 0, 0, 0, 0, 0, 0, 0) }).value).toEqual(i64([2 ** 53, 5]));
  });

  it("reads small integers and bool", () => {
    expect(read(3, { rawData: raw(0x80, 0x7f) }).value).toEqual(tensor("i8", [-128, 127]));
    expect(read(2, { int32Data: [0, 255] }).value).toEqual(tensor("u8", [0, 255]));
    expect(read(5, { rawData: raw(0xff, 0xff, 1, 0) }).value).toEqual(tensor("i32", [-1, 1]));
    expect(read(6, { int32Data: [-7, 7] }).value).toEqual(tensor("i32", [-7, 7]));
    expect(read(9, { rawData: raw(0, 2) }).value).toEqual(tensor("bool", [0, 1]));
    expect(read(12, { uint64Data: [0, 4294967295] }).value).toEqual(i64([0, 4294967295]));
  });
});

describe("external data", () => {
  const bytes = (entries: Record<string, string>) =>
    model({
      input: [value("x", [2])],
      output: [value("y")],
      initializer: [
        {
          name: "w",
          dims: [2],
          dataType: 1,
          dataLocation: 1,
          externalData: Object.entries(entries).map(([key, v]) => ({ key, value: v })),
        },
      ],
      node: [node("Add", "x w", "y")],
    });
  const file = new Uint8Array(Float32Array.of(9, 1, 2).buffer);

  it("is read at its offset and length", () => {
    const asked: string[] = [];
    const external = (location: string) => {
      asked.push(location);
      return file;
    };
    const { graph } = readOnnx(bytes({ location: "weights/a.bin", offset: "4", length: "8" }), { external });
    expect(graph.constants.get("w")).toEqual(f32([1, 2]));
    expect(asked).toEqual(["weights/a.bin"]);
  });

  it.each(["../a.bin", "/etc/passwd", "a/../../b", "C:\\a.bin", "\\\\host\\a", "a\\..\\b", ""])(
    "never leaves the model's folder: %j",
    (location) => {
      const external = () => expect.fail("the file was opened");
      expect(() => readOnnx(bytes({ location }), { external })).toThrow(/not a file in the model's folder/);
    },
  );

  it.each([
    [{ location: "a.bin", offset: "8" }, /4 bytes of data for float\[2\]/],
    [{ location: "a.bin", offset: "8", length: "8" }, /bytes 8 to 16 of a\.bin, which has only 12/],
    [{ location: "a.bin", offset: "-1" }, /offset "-1" of its external data is no number/],
  ])("is checked against the file: %j", (entries, message) => {
    expect(() => readOnnx(bytes(entries as unknown as Record<string, string>), { external: () => file })).toThrow(message);
  });

  it("names the file where none was given", () => {
    expect(() => readOnnx(bytes({ location: "a.bin" }))).toThrow(/the file a\.bin, which was not given/);
  });
});

describe("older opsets", () => {
  const types = (opset: number, nodes: ReturnType<typeof node>[], input: readonly number[] = [1, 3, 4]) =>
    printGraph(fold(readOnnx(model({ input: [value("x", input)], output: [value("y")], node: nodes }, opset)).graph));

  it.each([
    ["Squeeze-1", 9, [node("Squeeze", "x", "y", { axes: [0] })], "%y: f32[3,4] = Squeeze(%x, %Squeeze_y_const)"],
    ["Unsqueeze-1", 9, [node("Unsqueeze", "x", "y", { axes: [0, 4] })], "%y: f32[1,1,3,4,1] = Unsqueeze(%x, %Unsqueeze_y_const)"],
    [
      "Slice-1",
      9,
      [node("Slice", "x", "y", { starts: [1], ends: [3], axes: [2] })],
      "%y: f32[1,3,2] = Slice(%x, %Slice_y_const, %Slice_y_const_1, %Slice_y_const_2)",
    ],
    ["Slice-1 without axes", 9, [node("Slice", "x", "y", { starts: [0, 1], ends: [1, 3] })], "%y: f32[1,2,4] = Slice(%x"],
    [
      "Pad-2",
      9,
      [node("Pad", "x", "y", { pads: [0, 0, 1, 0, 0, 2], value: { f: 0.5 } })],
      "%y: f32[1,3,7] = Pad(%x, %Pad_y_const, %Pad_y_const_1)",
    ],
    [
      "Split-2",
      11,
      [node("Split", "x", "y z", { axis: 1, split: [1, 2] })],
      "%y: f32[1,1,4], %z: f32[1,2,4] = Split(%x, %Split_y_const) {axis=1}",
    ],
    ["Clip-6", 9, [node("Clip", "x", "y", { min: { f: 0 }, max: { f: 6 } })], "= Clip(%x, %Clip_y_const, %Clip_y_const_1)"],
  ])("%s is raised to its newest form", (_, opset, nodes, expected) => {
    expect(types(opset, nodes)).toContain(expected);
  });

  it("before 7 align the second operand by axis", () => {
    const shapes = (attrs: Record<string, number>) =>
      fold(
        readOnnx(
          model({ input: [value("x", [2, 3, 4]), value("b", [3])], output: [value("y")], node: [node("Mul", "x b", "y", attrs)] }, 6),
        ).graph,
      );
    const graph = shapes({ broadcast: 1, axis: 1 });
    expect(graph.types.get(graph.nodes.at(-1)!.inputs[1])?.shape).toEqual([3, 1]);
    expect(graph.types.get("y")?.shape).toEqual([2, 3, 4]);
    expect(() => shapes({ broadcast: 1 })).toThrow(/do not broadcast/);
  });
});
