import { describe, expect, it } from "vitest";
import { MODEL } from "../../src/onnx/schema.ts";
import { decode } from "../../src/onnx/wire.ts";
import { f32, i64, type Tensor, tensor } from "../../src/tensor/index.ts";
import { model, node, value } from "../onnx/model.ts";
import { mismatch } from "./compare.ts";
import { shapeInputs } from "./freeze.ts";

describe("agreement with what the suite expects", () => {
  const reals = (data: readonly number[], expected: Tensor) =>
    mismatch({ name: "y", dtype: "f32", shape: [data.length] }, Float32Array.from(data), expected);

  it("is within a thousandth of reals, NaN with NaN, infinities of one sign", () => {
    expect(reals([1, Number.NaN, Number.POSITIVE_INFINITY], f32([1.0009, Number.NaN, Number.POSITIVE_INFINITY]))).toBeUndefined();
    expect(reals([1, 1], f32([1, 1.002]))).toMatch(/1 of 2 elements differ, most of all element 1/);
    expect(reals([Number.NaN], f32([1]))).toMatch(/element 0: NaN, not 1/);
    expect(reals([Number.POSITIVE_INFINITY], f32([Number.NEGATIVE_INFINITY]))).toMatch(/differ/);
    expect(reals([0], f32([1e-5]))).toMatch(/differ/);
  });

  it("is exact of integers, in shape, and in type", () => {
    const integers = (expected: Tensor) => mismatch({ name: "y", dtype: "i32", shape: [2] }, Int32Array.of(1000, 2), expected);
    expect(integers(i64([1000, 2]))).toBeUndefined();
    expect(integers(i64([1001, 2]))).toMatch(/element 0: 1000, not 1001/);
    expect(integers(i64([1000, 2], [2, 1]))).toMatch(/shape \[2\], not \[2,1\]/);
    expect(integers(tensor("u8", [1, 2]))).toMatch(/is i32, not u8/);
  });

  it("counts what there is of an output whose size data decide", () => {
    const found = { name: "y", dtype: "f32", shape: [4, 3], bound: 0 } as const;
    expect(mismatch(found, new Float32Array(6), f32(new Float32Array(6), [2, 3]))).toBeUndefined();
    expect(mismatch(found, new Float32Array(9), f32(new Float32Array(6), [2, 3]))).toMatch(/shape \[3,3\], not \[2,3\]/);
  });
});

describe("inputs that are made constants", () => {
  const inputsOf = (...nodes: ReturnType<typeof node>[]) => {
    const bytes = model({ input: ["x", "a", "b"].map((name) => value(name, [2])), output: [value("y")], node: nodes });
    return [...shapeInputs(decode(bytes, MODEL, "model").graph!)];
  };

  it("are those that shapes follow from, through other nodes", () => {
    expect(inputsOf(node("Reshape", "x a", "y"))).toEqual(["a"]);
    expect(inputsOf(node("Add", "a b", "s"), node("Reshape", "x s", "y"))).toEqual(["a", "b"]);
  });

  it("are not those whose shape alone is read, nor data", () => {
    expect(inputsOf(node("Shape", "a", "s"), node("Reshape", "x s", "y"))).toEqual([]);
    expect(inputsOf(node("Clip", "x a b", "y"))).toEqual([]);
  });
});
