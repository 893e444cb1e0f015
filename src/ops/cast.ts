import { CastField } from "../../assembly/shared/elementwise.ts";
import { Op } from "../../assembly/shared/plan.ts";
import { DTYPES, type DType, elementCount, f32, i64, type Tensor, tensor } from "../tensor/index.ts";
import { pointwise } from "./bound.ts";
import { attr, defineOp } from "./define.ts";
import { ELEMENT_CODES, ELEMENT_TYPES, elementTypeName } from "./element-type.ts";
import { ELEMENTS, type Lowering } from "./lowering.ts";

function target(to: unknown): DType {
  const found = ELEMENT_TYPES.get(to as number);
  if (!found) throw new RangeError(`element type ${elementTypeName(to as number)} is not supported`);
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

function lowerCast(ctx: Lowering): void {
  const [x, y] = [ctx.node.inputs[0], ctx.node.outputs[0]];
  const { dtype, shape } = ctx.type(x);
  const [from, to] = [ELEMENTS[dtype], ELEMENTS[ctx.type(y).dtype]];
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

/** From every type to every other. */
const PAIRS = NUMBERS.flatMap((from) =>
  NUMBERS.filter((to) => to !== from).map((to) => ({
    name: `${from} to ${to}`,
    inputs: [tensor(from, from === "bool" ? [0, 1, 1] : VALUES)],
    attrs: { to: ELEMENT_CODES[to] },
  })),
);

/** Among floats it changes nothing: f16, bfloat16 and double are computed as f32. */
export const Cast = defineOp({
  attrs: { to: attr.required(attr.int()), saturate: attr.int(1) },
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ node, inputs: [x] }) => [{ dtype: target(node.attrs.to), shape: x!.shape }],
  eval: ({ node, inputs: [x] }) => [converted(x!, target(node.attrs.to))],
  permute: (node, perm) => ({ attrs: node.attrs, perm }),
  bound: pointwise,
  lower: lowerCast,
  cases: [
    ...PAIRS,
    { name: "f32 to f32", inputs: [f32([1, 2])], attrs: { to: 1 } },
    { name: "fractions, cut", inputs: [f32([-1.9, -0.5, 0.5, 2.9, Number.NaN, 1e20, -1e20])], attrs: { to: 6 } },
    { name: "fractions that are true", inputs: [f32([-1.9, 0, -0, 0.1, Number.NaN])], attrs: { to: 9 } },
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
