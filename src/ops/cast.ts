import { CastField, Element } from "../../assembly/shared/elementwise.ts";
import { Op } from "../../assembly/shared/plan.ts";
import { DTYPES, type DType, elementCount, f32, i64, roundToBfloat16, roundToFloat16, type Tensor, tensor } from "../tensor/index.ts";
import { pointwise } from "./bound.ts";
import { attr, type Decomposition, defineOp } from "./define.ts";
import { ELEMENT_CODES, ELEMENT_TYPES, elementTypeName, NIBBLES } from "./element-type.ts";
import { ELEMENTS, type Lowering } from "./lowering.ts";

function target(to: unknown): DType {
  const found = ELEMENT_TYPES.get(to as number);
  if (!found || NIBBLES.has(to as number)) throw new RangeError(`element type ${elementTypeName(to as number)} is not supported`);
  return found.dtype;
}

const [I32_MIN, I32_MAX] = [-(2 ** 31), 2 ** 31 - 1];

/**
 * Conversion of one element: floats are cut towards zero, within the 32 bits (53 for i64) that are there while a model runs, and wrap to narrower
 * integers; anything but zero is true.
 */
function convert(value: number, from: DType, to: DType): number {
  if (to === "bool") return value !== 0 ? 1 : 0;
  if (to === "f32" || from !== "f32") return value;
  if (Number.isNaN(value)) return 0;
  const [lo, hi] = to === "i64" ? [-(2 ** 53), 2 ** 53] : [I32_MIN, I32_MAX];
  return Math.min(Math.max(Math.trunc(value), lo), hi);
}

function converted(x: Tensor, dtype: DType): Tensor {
  const data = DTYPES[dtype].array.from(Array.from(x.data, (v) => convert(v, x.dtype, dtype)));
  return { dtype, shape: x.shape, data };
}

interface HalfWidth {
  readonly array: { from(x: ArrayLike<number>): ArrayLike<number> };
  /** Types of which every value fits. */
  readonly holds: readonly DType[];
}

/** 16-bit integers, by ONNX's code: they are held in 32 bits, but wrap to their own width where they are made. */
const HALF_WIDTH: ReadonlyMap<number, HalfWidth> = new Map<number, HalfWidth>([
  [4, { array: Uint16Array, holds: ["u8", "bool"] }],
  [5, { array: Int16Array, holds: ["i8", "u8", "bool"] }],
]);

interface Narrow {
  readonly element: Element;
  readonly round: (value: number) => number;
}

/** Floats of 16 bits, by ONNX's code: they are held as f32, but are rounded where they are made. */
const NARROW: ReadonlyMap<number, Narrow> = new Map([
  [10, { element: Element.f16, round: roundToFloat16 }],
  [16, { element: Element.bf16, round: roundToBfloat16 }],
]);

/** To 16 bits by way of 32: without the upper bits, or shifted up and back where there is a sign. */
function wrapWidth({ node, type, add, value }: Decomposition): void {
  const [x] = node.inputs;
  const half = HALF_WIDTH.get(node.attrs.to as number);
  if (!half || half.holds.includes(type(x).dtype)) return;
  const wide = add("Cast", [x], { to: ELEMENT_CODES.i32 });
  if (half.array === Uint16Array) {
    add("BitwiseAnd", [wide, value(tensor("i32", [0xffff], []))], {}, node.outputs);
    return;
  }
  const bits = value(tensor("i32", [16], []));
  add("BitShift", [add("BitShift", [wide, bits], { direction: "LEFT" }), bits], { direction: "RIGHT" }, node.outputs);
}

function lowerCast(ctx: Lowering): void {
  const [x, y] = [ctx.node.inputs[0], ctx.node.outputs[0]];
  const { dtype, shape } = ctx.type(x);
  const from = ELEMENTS[dtype];
  const to = NARROW.get(ctx.node.attrs.to as number)?.element ?? ELEMENTS[ctx.type(y).dtype];
  if (from === to) {
    ctx.alias(x, y);
    return;
  }
  ctx.emit(Op.cast, {
    [CastField.n]: elementCount(shape),
    [CastField.a]: ctx.place(x),
    [CastField.c]: ctx.place(y),
    [CastField.from]: from,
    [CastField.to]: to,
  });
}

const NUMBERS: readonly DType[] = ["f32", "i64", "i32", "i8", "u8", "bool"];
const VALUES: readonly number[] = [0, 1, 3, -1, -128, 127, 300, -70000];

/** Ties, subnormals and the ends of the 16-bit formats. */
const NARROWED: readonly number[] = [
  ...[0, 1, -1.0004883, 1.00048828125, 1.00146484375, 0.1, -0.3333333, 2049, 2051, 65504, 65519.9, 65520, -70000],
  ...[6.1e-5, 5.9604645e-8, 2.9802322e-8, 2.98e-8, -8.9e-8, 1e-9, 3.3895e38, 3.4e38, Number.NaN, Number.NEGATIVE_INFINITY],
];

/** From every type to every other. */
const PAIRS = NUMBERS.flatMap((from) =>
  NUMBERS.filter((to) => to !== from).map((to) => ({
    name: `${from} to ${to}`,
    inputs: [tensor(from, from === "bool" ? [0, 1, 1] : VALUES)],
    attrs: { to: ELEMENT_CODES[to] },
  })),
);

/** Among floats it rounds to f16 and bfloat16, which are computed as f32, as double is. */
export const Cast = defineOp({
  attrs: { to: attr.required(attr.int()), saturate: attr.int(1), round_mode: attr.string("up") },
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ node, inputs: [x] }) => [{ dtype: target(node.attrs.to), shape: x!.shape }],
  eval: ({ node, inputs: [x] }) => {
    const out = converted(x!, target(node.attrs.to));
    const narrow = NARROW.get(node.attrs.to as number);
    if (narrow) return [{ ...out, data: out.data.map(narrow.round) }];
    const half = HALF_WIDTH.get(node.attrs.to as number);
    return [half ? { ...out, data: Int32Array.from(half.array.from(out.data)) } : out];
  },
  permute: (node, perm) => ({ attrs: node.attrs, perm }),
  bound: pointwise,
  decompose: wrapWidth,
  lower: lowerCast,
  cases: [
    ...PAIRS,
    { name: "f32 to f32", inputs: [f32([1, 2])], attrs: { to: 1 } },
    { name: "fractions, cut", inputs: [f32([-1.9, -0.5, 0.5, 2.9, Number.NaN, 1e20, -1e20])], attrs: { to: 6 } },
    { name: "fractions that are true", inputs: [f32([-1.9, 0, -0, 0.1, Number.NaN])], attrs: { to: 9 } },
    { name: "f32 to uint16", inputs: [f32([1.5, -1, 65535, 65536, 70000])], attrs: { to: 4 } },
    { name: "i64 to int16", inputs: [i64([1, -1, 32767, 32768, -40000])], attrs: { to: 5 } },
    { name: "u8 to uint16", inputs: [tensor("u8", [0, 255])], attrs: { to: 4 } },
    ...[10, 16].map((to) => ({ name: `rounded to format ${to}`, inputs: [f32(NARROWED)], attrs: { to } })),
    { name: "i64 to f16", inputs: [i64([2048, 2049, 2051, 70000])], attrs: { to: 10 } },
    { name: "a constant", inputs: [f32([-1.5, 0, 2.9])], attrs: { to: 7 }, constants: [0] },
  ],
});

/** To the type of the second input, whose elements do not matter. */
export const CastLike = defineOp({
  attrs: { saturate: attr.int(1) },
  arity: [2, 2],
  tolerance: "exact",
  infer: ({ inputs: [x, like] }) => [{ dtype: like!.dtype, shape: x!.shape }],
  eval: ({ inputs: [x, like] }) => [converted(x!, like!.dtype)],
  decompose: ({ node, type, add }) => {
    add("Cast", [node.inputs[0]], { to: ELEMENT_CODES[type(node.inputs[1]).dtype] }, node.outputs);
  },
  cases: [{ name: "f32 to i64", inputs: [f32([-1.5, 0, 2.9]), i64([1])] }],
});
