import { describe, expect, it } from "vitest";
import { readOnnx } from "../../src/onnx/index.ts";
import { writeTensor } from "../../src/onnx/tensor.ts";
import { optimize } from "../../src/passes/index.ts";
import { inferTypes } from "../../src/semantics/infer.ts";
import { f32, type Tensor, tensor } from "../../src/tensor/index.ts";
import { failure, model, node, value } from "./model.ts";

/** What reading and optimizing one operator ends in. */
function outcome(
  op: string,
  inputs: string,
  { domain, constants = {}, attrs }: { domain?: string; constants?: Record<string, Tensor>; attrs?: Parameters<typeof node>[3] } = {},
): string {
  const bytes = model({
    input: [value("x", [4, 6]), value("q", [4, 6], 2)],
    output: [value("y")],
    node: [{ ...node(op, inputs, "y", attrs), domain }],
    initializer: Object.entries(constants).map(([name, data]) => writeTensor(name, data)),
  });
  return failure(() => optimize(inferTypes(readOnnx(bytes).graph)));
}

const scale = { s: f32([0.1], []) };
const ms = "com.microsoft";

describe("operators of quantized models that are refused", () => {
  it("those that only passes write, and those of the other domain", () => {
    expect(outcome("ToGrid", "q")).toMatch(/^ONNX_UNSUPPORTED: .*\n {2}- ToGrid y .*: the operator is not supported$/);
    expect(outcome("ToGrid", "q", { domain: "edgepack" })).toMatch(/the domain edgepack is not supported$/);
    expect(outcome("QLinearAdd", "q s _ q s _ s _")).toMatch(/the operator is not supported$/);
    expect(outcome("QLinearConv", "q s _ q s _ s _", { domain: ms })).toMatch(/the operator is not supported$/);
  });

  it.each<[string, string, string, Parameters<typeof outcome>[2], RegExp]>([
    ["no scale", "QuantizeLinear", "x", {}, /the scale is missing/],
    [
      "a grid of 32 bits",
      "QuantizeLinear",
      "x s z",
      { constants: { ...scale, z: tensor("i32", [0], []) } },
      /quantization to int32 is not supported/,
    ],
    [
      "scales for another axis",
      "DequantizeLinear",
      "q s",
      { constants: { s: f32([1, 2, 3]) } },
      /scales \[3\] do not fit axis 1 of \[4,6\]/,
    ],
    [
      "zero points without scales",
      "DequantizeLinear",
      "q s z",
      { constants: { ...scale, z: tensor("u8", [1, 2]) } },
      /1 scales and zero points/,
    ],
    [
      "blocks of a computed value",
      "DequantizeLinear",
      "q s",
      { constants: { s: f32(new Array(12).fill(1), [4, 3]) }, attrs: { block_size: 2 } },
      /constants only/,
    ],
    [
      "weights of fewer bits that are computed",
      "MatMulNBits",
      "x q s",
      { domain: ms, constants: scale, attrs: { K: 6, N: 4, block_size: 16 } },
      /weights must be known/,
    ],
    [
      "weights of fewer bits that do not fit",
      "MatMulNBits",
      "x w s",
      { domain: ms, constants: { ...scale, w: tensor("u8", [1, 2], [1, 1, 2]) }, attrs: { K: 6, N: 4, block_size: 16 } },
      /do not fit 4 outputs of 1 blocks/,
    ],
    [
      "an unknown fused activation",
      "FusedGemm",
      "x w",
      { domain: ms, constants: { w: f32(new Array(6).fill(1), [6, 1]) }, attrs: { activation: "Sin" } },
      /activation Sin/,
    ],
  ])("%s", (_name, op, inputs, options, reason) => {
    expect(outcome(op, inputs, options)).toMatch(reason);
  });
});
