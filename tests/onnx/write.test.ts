import { describe, expect, it } from "vitest";
import { readOnnx, writeOnnx } from "../../src/onnx/index.ts";
import { MODEL } from "../../src/onnx/schema.ts";
import { decode } from "../../src/onnx/wire.ts";
import { optimize } from "../../src/passes/index.ts";
import { f32, type Tensor, tensor } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";
import { failure } from "./model.ts";

describe("writeOnnx", () => {
  it("keeps constants of every type", () => {
    const constants: Record<string, Tensor> = {
      a: f32([1.5, Number.NEGATIVE_INFINITY]),
      b: tensor("i8", [-128, 127]),
      c: tensor("u8", [0, 255]),
      d: tensor("i32", [-(2 ** 31), 2 ** 31 - 1]),
      e: tensor("i64", [-(2 ** 53), 2 ** 53]),
      f: tensor("bool", [0, 1]),
      g: tensor("f32", [], [0, 3]),
    };
    const graph = graphOf({ inputs: { x: [1] }, constants, nodes: [["Neg", "x", "y"]], outputs: "y" });
    expect(Object.fromEntries(readOnnx(writeOnnx(graph)).graph.constants)).toEqual(constants);
  });

  it("writes tensors that are views of a larger buffer", () => {
    const view: Tensor = { dtype: "f32", shape: [2], data: Float32Array.of(9, 1, 2, 9).subarray(1, 3) };
    const graph = graphOf({ inputs: { x: [2] }, constants: { view }, nodes: [["Add", "x view", "y"]], outputs: "y" });
    expect(readOnnx(writeOnnx(graph)).graph.constants.get("view")).toEqual(f32([1, 2]));
  });

  it("leaves dimensions open that data decide", () => {
    const graph = graphOf({ inputs: { x: [2, 3] }, nodes: [["NonZero", "x", "y"]], outputs: "y" });
    const { graph: written } = decode(writeOnnx(graph), MODEL, "model");
    expect(written?.output[0].type?.tensorType?.shape?.dim.map(({ value, param }) => value ?? param)).toEqual([2, "y_length"]);
  });

  it("refuses what passes have made of the graph, all nodes at once", () => {
    const graph = graphOf({
      inputs: { x: [1, 2, 4, 4] },
      constants: { w: random([2, 2, 1, 1], 1), v: random([4, 4], 2), b: random([4], 3) },
      nodes: [
        ["Conv", "x w", "c"],
        ["Relu", "c", "r"],
        ["MatMul", "r v", "m"],
        ["Add", "m b", "a"],
        ["Gelu", "a", "y"],
      ],
      outputs: "y",
    });
    expect(failure(() => writeOnnx(optimize(graph)))).toMatchInlineSnapshot(`
      "ONNX_UNSUPPORTED: These nodes cannot be written as ONNX:
        - Conv c: the attribute layout is not ONNX
        - Conv c: the attribute min is not ONNX
        - MatMul m: ONNX gives it 2 inputs
        - Gelu y: the operator is not in opset 17"
    `);
  });
});
