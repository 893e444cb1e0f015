/**
 * Operators that read and write integers with scales and zero points as inputs ("operator form", against pairs of QuantizeLinear and
 * DequantizeLinear): ONNX's own, and those that onnxruntime's quantizer writes. Each is the real operator between the pairs, which become integer
 * layers where their parameters are constant.
 */
import { f32, type Tensor, tensor } from "../tensor/index.ts";
import { type AttrSpec, attr, type Decomposition, type OpCase, type OpDef } from "./define.ts";
import { defineFunction } from "./function.ts";

const { int, ints, float, string } = attr;

/** A tensor of integers, its scale and its zero point, as three inputs in a row from `at`. */
function dequantized(parts: Decomposition, at: number, axis?: number): string {
  const [q, scale, zero = ""] = parts.node.inputs.slice(at, at + 3);
  return parts.add("DequantizeLinear", [q, scale, zero], axis === undefined ? {} : { axis });
}

/** Writes `real` to the node's output by the scale and zero point at inputs `at` and `at + 1`. */
function quantizedTo(parts: Decomposition, real: string, at: number): void {
  const [scale, zero = ""] = parts.node.inputs.slice(at, at + 2);
  parts.add("QuantizeLinear", [real, scale, zero], {}, parts.node.outputs);
}

/** An i32 bias counts in products of the scales of input and weights. */
function dequantizedBias(parts: Decomposition, bias: string, scales: readonly string[]): string {
  return parts.add("DequantizeLinear", [bias, parts.add("Mul", scales)], { axis: 0 });
}

/** The node's attributes that another operator has as well. */
function shared({ node }: Decomposition, attrs: Readonly<Record<string, AttrSpec>>): Decomposition["node"]["attrs"] {
  return Object.fromEntries(Object.keys(attrs).map((key) => [key, node.attrs[key]]));
}

const CONV_ATTRS = { auto_pad: string("NOTSET"), dilations: ints(), group: int(1), kernel_shape: ints(), pads: ints(), strides: ints() };
const POOL_ATTRS = {
  auto_pad: string("NOTSET"),
  ceil_mode: int(0),
  count_include_pad: int(0),
  kernel_shape: ints(),
  pads: ints(),
  strides: ints(),
};

const bytes = (shape: readonly number[], dtype: "u8" | "i8", step = 37): Tensor => {
  const n = shape.reduce((a, b) => a * b, 1);
  const lowest = dtype === "u8" ? 0 : -128;
  return tensor(
    dtype,
    Array.from({ length: n }, (_, i) => ((i * step + 11 * step) % 256) + lowest),
    shape,
  );
};
const scale = (value: number): Tensor => f32([value], []);
const zero = (value: number, dtype: "u8" | "i8" = "u8"): Tensor => tensor(dtype, [value], []);

export const QLinearConv = defineFunction({
  attrs: CONV_ATTRS,
  arity: [8, 9],
  tolerance: "exact",
  body(parts) {
    const [, xScale, , , wScale, , , , bias] = parts.node.inputs;
    const inputs = [dequantized(parts, 0), dequantized(parts, 3, 0)];
    if (bias) inputs.push(dequantizedBias(parts, bias, [xScale, wScale]));
    quantizedTo(parts, parts.add("Conv", inputs, shared(parts, CONV_ATTRS)), 6);
  },
  cases: [
    {
      name: "u8 by i8 of an axis, a bias",
      inputs: [
        bytes([1, 2, 5, 5], "u8"),
        scale(0.03),
        zero(120),
        bytes([3, 2, 3, 3], "i8"),
        f32([0.01, 0.02, 0.015]),
        tensor("i8", [0, 0, 0]),
        scale(0.9),
        zero(100),
        tensor("i32", [100, -2000, 30]),
      ],
      attrs: { pads: [1, 1, 1, 1] },
      constants: [1, 2, 3, 4, 5, 6, 7, 8],
    },
    {
      name: "u8 by u8",
      inputs: [bytes([1, 1, 4, 4], "u8"), scale(0.03), zero(3), bytes([1, 1, 2, 2], "u8"), scale(0.01), zero(131), scale(0.1), zero(128)],
      constants: [1, 2, 3, 4, 5, 6, 7],
    },
  ],
});

export const QLinearMatMul = defineFunction({
  attrs: {},
  arity: [8, 8],
  tolerance: "exact",
  body(parts) {
    const [a, , , b] = parts.node.inputs.map((input) => parts.type(input).shape.length);
    quantizedTo(parts, parts.add("MatMul", [dequantized(parts, 0, Math.max(0, a - 2)), dequantized(parts, 3, b - 1)]), 6);
  },
  cases: [
    {
      name: "u8 by i8 of an axis",
      inputs: [
        bytes([3, 7], "u8"),
        scale(0.03),
        zero(120),
        bytes([7, 4], "i8"),
        f32([0.01, 0.02, 0.03, 0.04]),
        tensor("i8", [0, 0, 0, 0]),
        scale(0.9),
        zero(100),
      ],
      constants: [1, 2, 3, 4, 5, 6, 7],
    },
    {
      name: "both computed",
      inputs: [
        bytes([3, 7], "i8"),
        scale(0.03),
        zero(12, "i8"),
        bytes([7, 4], "i8"),
        scale(0.01),
        zero(-2, "i8"),
        scale(0.5),
        zero(10, "i8"),
      ],
      constants: [1, 2, 4, 5, 6, 7],
    },
  ],
});

interface Row {
  readonly attrs?: Readonly<Record<string, AttrSpec>>;
  readonly arity: readonly [number, number];
  body(parts: Decomposition): void;
  readonly cases: readonly OpCase[];
}

const contrib = ({ attrs = {}, ...row }: Row): OpDef => defineFunction({ domain: "com.microsoft", tolerance: "exact", attrs, ...row });

/** A function of one value: x with scale and zero point, then those of the output. */
const unary = (
  op: string,
  shape: readonly number[],
  attrs: Readonly<Record<string, AttrSpec>> = {},
  example: OpCase["attrs"] = {},
): OpDef =>
  contrib({
    attrs,
    arity: [4, 5],
    body: (parts) => {
      const { channels_last, opset, ...rest } = shared(parts, attrs);
      if (channels_last) throw new RangeError("channels_last is not supported");
      void opset;
      quantizedTo(parts, parts.add(op, [dequantized(parts, 0)], rest), 3);
    },
    cases: [
      {
        name: op,
        inputs: [bytes(shape, "u8"), scale(0.03), zero(120), scale(0.0117), zero(7)],
        attrs: example,
        constants: [1, 2, 3, 4],
      },
    ],
  });

/** A function of two values that broadcast. */
const binary = (op: string): OpDef =>
  contrib({
    arity: [7, 8],
    body: (parts) => quantizedTo(parts, parts.add(op, [dequantized(parts, 0), dequantized(parts, 3)]), 6),
    cases: [
      {
        name: `${op}, a constant`,
        inputs: [bytes([2, 5], "u8"), scale(0.03), zero(120), bytes([5], "u8", 51), scale(0.01), zero(9), scale(0.04), zero(128)],
        constants: [1, 2, 3, 4, 5, 6, 7],
      },
      {
        name: `${op}, i8`,
        inputs: [
          bytes([2, 5], "i8"),
          scale(0.03),
          zero(1, "i8"),
          bytes([5], "i8", 51),
          scale(0.01),
          zero(9, "i8"),
          scale(0.04),
          zero(2, "i8"),
        ],
        constants: [1, 2, 4, 5, 6, 7],
      },
    ],
  });

export const QLinearAdd = binary("Add");
export const QLinearMul = binary("Mul");
export const QLinearSigmoid = unary("Sigmoid", [2, 9]);
export const QLinearLeakyRelu = unary("LeakyRelu", [2, 9], { alpha: float(0.01) }, { alpha: 0.1 });
export const QLinearGlobalAveragePool = unary("GlobalAveragePool", [1, 3, 4, 4], { channels_last: int(0) });
export const QLinearAveragePool = unary(
  "AveragePool",
  [1, 3, 4, 4],
  { ...POOL_ATTRS, channels_last: int(0) },
  { kernel_shape: [2, 2], pads: [1, 1, 0, 0] },
);
export const QLinearReduceMean = unary("ReduceMean", [2, 3, 4], { axes: ints(), keepdims: int(1) }, { axes: [1] });

export const QLinearSoftmax = contrib({
  attrs: { axis: int(-1), opset: int(13) },
  arity: [5, 5],
  body: (parts) => {
    const { axis, opset } = parts.node.attrs as Record<string, number>;
    const rank = parts.type(parts.node.inputs[0]).shape.length;
    if (opset < 13 && axis !== -1 && axis !== rank - 1) throw new RangeError("Softmax over several axes is not supported on integers");
    quantizedTo(parts, parts.add("Softmax", [dequantized(parts, 0)], { axis }), 3);
  },
  cases: [{ name: "rows", inputs: [bytes([3, 6], "u8"), scale(0.03), zero(120), scale(1 / 256), zero(0)], constants: [1, 2, 3, 4] }],
});

export const QLinearConcat = contrib({
  attrs: { axis: attr.required(int()) },
  arity: [5, Number.POSITIVE_INFINITY],
  body: (parts) => {
    const { node } = parts;
    if (node.inputs.length % 3 !== 2) throw new RangeError("each input needs a scale and a zero point");
    const joined = Array.from({ length: (node.inputs.length - 2) / 3 }, (_, i) => dequantized(parts, 2 + 3 * i));
    quantizedTo(parts, parts.add("Concat", joined, { axis: node.attrs.axis }), 0);
  },
  cases: [
    {
      name: "two grids",
      inputs: [scale(0.03), zero(100), bytes([2, 3], "u8"), scale(0.03), zero(120), bytes([2, 2], "u8"), scale(0.01), zero(9)],
      attrs: { axis: 1 },
      constants: [0, 1, 3, 4, 6, 7],
    },
  ],
});

/** α · A′ · B′ + C; where the output has no scale it is f32. */
export const QGemm = contrib({
  attrs: { alpha: float(1), transA: int(0), transB: int(0) },
  arity: [6, 9],
  body: (parts) => {
    const { node } = parts;
    const [, aScale, , , bScale, , bias, scaled] = node.inputs;
    const inputs = [dequantized(parts, 0), dequantized(parts, 3, node.attrs.transB ? 0 : 1)];
    if (bias) inputs.push(dequantizedBias(parts, bias, [aScale, bScale]));
    const attrs = { ...shared(parts, { alpha: float(), transA: int(), transB: int() }), beta: node.attrs.alpha };
    if (scaled) quantizedTo(parts, parts.add("Gemm", inputs, attrs), 7);
    else parts.add("Gemm", inputs, attrs, node.outputs);
  },
  cases: [
    {
      name: "weights transposed, a bias",
      inputs: [
        bytes([3, 7], "u8"),
        scale(0.03),
        zero(120),
        bytes([4, 7], "i8"),
        f32([0.01, 0.02, 0.03, 0.04]),
        tensor("i8", [0, 0, 0, 0]),
        tensor("i32", [5, -700, 90, 1]),
        scale(0.9),
        zero(100),
      ],
      attrs: { transB: 1 },
      constants: [1, 2, 3, 4, 5, 6, 7, 8],
    },
  ],
});
