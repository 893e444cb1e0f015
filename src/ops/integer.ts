/**
 * Products of integers with i32 results. They are sums in f32 of integers less their zeros, and so exact as long as every partial sum stays below
 * 2²⁴; the pass `fuse-dynamic-quantize` makes integer layers of those whose input was quantized while the model runs.
 */
import { elementCount, f32, type TensorType, tensor } from "../tensor/index.ts";
import { attr, type Decomposition } from "./define.ts";
import { defineFunction } from "./function.ts";

/** An operand less its zero point, which may have one element for each place along `axis`. */
function centred(parts: Decomposition, value: string, zero: string | undefined, axis: number): string {
  const real = parts.add("Cast", [value], { to: 1 });
  return zero ? parts.add("Sub", [real, parts.add("Cast", [along(parts, zero, parts.type(value), axis)], { to: 1 })]) : real;
}

function along(parts: Decomposition, zero: string, { shape }: TensorType, axis: number): string {
  if (elementCount(parts.type(zero).shape) === 1) return parts.add("Reshape", [zero, parts.value(tensor("i64", []))]);
  return parts.add("Reshape", [
    zero,
    parts.value(
      tensor(
        "i64",
        shape.map((d, i) => (i === axis ? d : 1)),
      ),
    ),
  ]);
}

const INT32 = { to: 6 };

export const MatMulInteger = defineFunction({
  attrs: {},
  arity: [2, 4],
  tolerance: "exact",
  body(parts) {
    const [a, b, aZero, bZero] = parts.node.inputs;
    const rank = (value: string): number => parts.type(value).shape.length;
    const product = parts.add("MatMul", [centred(parts, a, aZero, rank(a) - 2), centred(parts, b, bZero, rank(b) - 1)]);
    parts.add("Cast", [product], INT32, parts.node.outputs);
  },
  cases: [
    {
      name: "zero points",
      inputs: [
        tensor("u8", [11, 7, 3, 10, 6, 2], [2, 3]),
        tensor("u8", [1, 4, 2, 5, 3, 6], [3, 2]),
        tensor("u8", [12]),
        tensor("u8", [3, 0]),
      ],
    },
    { name: "none", inputs: [tensor("i8", [11, -7, 3, 10, 6, 2], [2, 3]), tensor("i8", [1, 4, -2, 5, 3, 6], [3, 2])] },
  ],
});

/** a · b + bias of the reals that integers stand for. */
export const MatMulIntegerToFloat = defineFunction({
  domain: "com.microsoft",
  attrs: {},
  arity: [4, 7],
  tolerance: 1e-5,
  body(parts) {
    const [a, b, aScale, bScale, aZero = "", bZero = "", bias = ""] = parts.node.inputs;
    const real = (value: string, scale: string, zero: string, axis: number): string =>
      parts.add("DequantizeLinear", [value, scale, zero], { axis: Math.max(0, parts.type(value).shape.length - axis) });
    parts.add("MatMul", [real(a, aScale, aZero, 2), real(b, bScale, bZero, 1), bias], {}, parts.node.outputs);
  },
  cases: [
    {
      name: "an input on a computed grid, a bias",
      inputs: [
        tensor("u8", [11, 7, 3, 10, 6, 2], [2, 3]),
        tensor("i8", [1, -4, 2, 5, 3, -6], [3, 2]),
        f32([0.1], []),
        f32([0.02, 0.03]),
        tensor("u8", [5], []),
        tensor("i8", [0, 0]),
        f32([0.5, -0.5]),
      ],
      constants: [1, 3, 5, 6],
    },
  ],
});

const CONV_ATTRS = {
  auto_pad: attr.string("NOTSET"),
  dilations: attr.ints(),
  group: attr.int(1),
  kernel_shape: attr.ints(),
  pads: attr.ints(),
  strides: attr.ints(),
};

export const ConvInteger = defineFunction({
  attrs: CONV_ATTRS,
  arity: [2, 4],
  tolerance: "exact",
  body(parts) {
    const [x, w, xZero, wZero] = parts.node.inputs;
    const product = parts.add("Conv", [centred(parts, x, xZero, -1), centred(parts, w, wZero, 0)], parts.node.attrs);
    parts.add("Cast", [product], INT32, parts.node.outputs);
  },
  cases: [
    {
      name: "padded by the zero point",
      inputs: [tensor("u8", [2, 3, 4, 5, 6, 7, 8, 9, 10], [1, 1, 3, 3]), tensor("u8", [1, 2, 1, 1], [1, 1, 2, 2]), tensor("u8", [1], [])],
      attrs: { pads: [1, 1, 1, 1] },
      constants: [1],
    },
  ],
});

/** u8 over the range of x and zero: the integers, their scale and their zero point. */
export const DynamicQuantizeLinear = defineFunction({
  attrs: {},
  arity: [1, 1],
  tolerance: "exact",
  body(parts) {
    const [x] = parts.node.inputs;
    const to = (output: number): readonly string[] | undefined =>
      output < parts.node.outputs.length ? [parts.node.outputs[output]] : undefined;
    const number = (v: number): string => parts.value(f32([v], []));
    const zero = number(0);
    const lo = parts.add("Min", [parts.add("ReduceMin", [x], { keepdims: 0 }), zero]);
    const hi = parts.add("Max", [parts.add("ReduceMax", [x], { keepdims: 0 }), zero]);
    const step = parts.add("Div", [parts.add("Sub", [hi, lo]), number(255)]);
    const none = parts.add("Cast", [parts.add("Equal", [step, zero])], { to: 1 });
    const scale = parts.add("Add", [step, none], {}, to(1));
    const real = parts.add("Clip", [parts.add("Round", [parts.add("Sub", [zero, parts.add("Div", [lo, scale])])]), zero, number(255)]);
    parts.add("Cast", [real], { to: 2 }, to(2));
    const moved = parts.add("Add", [parts.add("Round", [parts.add("Div", [x, scale])]), real]);
    parts.add("Cast", [parts.add("Clip", [moved, zero, number(255)])], { to: 2 }, to(0));
  },
  cases: [
    { name: "both signs", inputs: [f32([0, 2, -3, -2.5, 1.34, 0.5])], outputs: 3 },
    { name: "one sign", inputs: [f32([1, 2.1, 1.3, 2.5, 3.34, 4], [3, 2])], outputs: 3 },
    { name: "zeros", inputs: [f32([0, 0])], outputs: 3 },
  ],
});
