import { Binary } from "../../assembly/shared/plan.ts";
import { type DType, f32, i64, tensor, zeros } from "../tensor/index.ts";
import { binary } from "./binary.ts";
import { broadcastReader, commonShape } from "./broadcast.ts";
import type { Decomposition, EvalContext, InferContext, OpDef, Subgraphs } from "./define.ts";
import { ELEMENT_CODES } from "./element-type.ts";

/** Powers of 32-bit integers, wrapped; a negative power of anything but ±1 is 0. */
function wrapped(a: number, b: number): number {
  if (b < 0) return Math.abs(a) === 1 ? a ** (b % 2) : 0;
  let power = 1;
  for (let [square, rest] = [a, b]; rest > 0; square = Math.imul(square, square), rest = Math.floor(rest / 2))
    if (rest % 2) power = Math.imul(power, square);
  return power;
}

function integer(a: number, b: number, dtype: DType): number {
  if (dtype !== "i64") return wrapped(a, b);
  const power = a ** b;
  return Math.abs(power) <= 2 ** 53 ? Math.trunc(power) : wrapped(a, b);
}

/** As in C: 1 to any power is 1, and −1 to an infinite one. */
function real(a: number, b: number): number {
  return a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY) ? 1 : a ** b;
}

const alike = binary("Pow", { kind: Binary.pow, real, integer, tolerance: 1e-5 });

/** Base and exponent may be of different types; the result has that of the base. */
export const Pow: OpDef = {
  ...alike,
  infer(ctx: InferContext, subgraphs: Subgraphs) {
    const [a, b] = ctx.inputs;
    if (a!.dtype === b!.dtype) return alike.infer(ctx, subgraphs);
    if (a!.dtype === "bool" || b!.dtype === "bool") throw new RangeError("takes numbers, not bool");
    return [{ dtype: a!.dtype, shape: commonShape(ctx.inputs) }];
  },
  eval(ctx: EvalContext, subgraphs: Subgraphs) {
    const [a, b] = ctx.inputs;
    if (a!.dtype === b!.dtype) return alike.eval(ctx, subgraphs);
    const shape = commonShape(ctx.inputs);
    const out = zeros({ dtype: a!.dtype, shape });
    const [base, exponent] = [broadcastReader(a!, shape), broadcastReader(b!, shape)];
    const power = a!.dtype === "f32" || b!.dtype === "f32" ? real : integer;
    for (let i = 0; i < out.data.length; i++) out.data[i] = power(base(i), exponent(i), a!.dtype === "i64" ? "i64" : "i32");
    return [out];
  },
  /** Of one type, which is f32 where either is, and back. */
  decompose({ node, type, add }: Decomposition) {
    const types = node.inputs.map((input) => type(input).dtype);
    if (types[0] === types[1]) return;
    const common: DType = types.includes("f32") ? "f32" : "i64";
    const cast = (input: string, i: number) => (types[i] === common ? input : add("Cast", [input], { to: ELEMENT_CODES[common] }));
    const inputs = node.inputs.map(cast);
    if (types[0] === common) add("Pow", inputs, node.attrs, node.outputs);
    else add("Cast", [add("Pow", inputs, node.attrs)], { to: ELEMENT_CODES[types[0]] }, node.outputs);
  },
  cases: [
    ...alike.cases,
    {
      name: "powers that are 1",
      inputs: [f32([1, 1, -1, -1, 0]), f32([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2, 0])],
    },
    { name: "f32 to integers", inputs: [f32([1, 2, 3]), i64([4, 5, 6])] },
    { name: "integers to f32", inputs: [tensor("i32", [1, 2, 3]), f32([4, 5, 0.5])] },
    { name: "integers to other integers", inputs: [tensor("u8", [1, 2, 3]), i64([4, 5, 6])] },
  ],
};
