/** Bits of integers. Unsigned 16- and 32-bit integers are held in wider types, so a shift to the left beyond their width is not cut off. */
import { ElementBinary, ElementUnary } from "../../assembly/shared/elementwise.ts";
import { DTYPES, type DType, tensor, zeros } from "../tensor/index.ts";
import { attr, defineOp, type OpDef } from "./define.ts";
import { elementBinary, emitElementUnary } from "./element.ts";

const INTEGERS: readonly DType[] = ["i64", "i32", "i8", "u8"];

function bitwise(kind: ElementBinary, compute: (a: bigint, b: bigint) => bigint): OpDef {
  return elementBinary({
    attrs: {},
    types: INTEGERS,
    kind: () => kind,
    compute: (a, b) => Number(BigInt.asIntN(64, compute(BigInt(a), BigInt(b)))),
    cases: [
      { name: "i32", inputs: [tensor("i32", [12, -1, 0x7fffffff, 5]), tensor("i32", [10, 255, -2, 0])] },
      { name: "u8", inputs: [tensor("u8", [12, 255, 128]), tensor("u8", [10])] },
    ],
  });
}

export const BitwiseAnd = bitwise(ElementBinary.bit_and, (a, b) => a & b);
export const BitwiseOr = bitwise(ElementBinary.bit_or, (a, b) => a | b);
export const BitwiseXor = bitwise(ElementBinary.bit_xor, (a, b) => a ^ b);

export const BitwiseNot = defineOp({
  attrs: {},
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ inputs: [x] }) => {
    if (!INTEGERS.includes(x!.dtype)) throw new RangeError(`takes ${INTEGERS.join(", ")}, not ${x!.dtype}`);
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  eval: ({ inputs: [x] }) => {
    const out = zeros({ dtype: x!.dtype, shape: x!.shape });
    x!.data.forEach((v, i) => {
      out.data[i] = -1 - v;
    });
    return [out];
  },
  permute: (_node, perm) => ({ perm }),
  lower: (ctx) => emitElementUnary(ctx, ElementUnary.bit_not),
  cases: [
    { name: "i32", inputs: [tensor("i32", [0, -1, 12])] },
    { name: "u8", inputs: [tensor("u8", [0, 255, 12])] },
  ],
});

export const BitShift = elementBinary({
  attrs: { direction: attr.required(attr.string()) },
  types: ["i64", "i32", "u8"],
  kind: ({ direction }) => {
    if (direction !== "LEFT" && direction !== "RIGHT") throw new RangeError(`direction must be LEFT or RIGHT, is ${direction}`);
    return direction === "LEFT" ? ElementBinary.shift_left : ElementBinary.shift_right;
  },
  compute: (a, b, { direction }, dtype) => {
    if (direction === "RIGHT") return Math.floor(a / 2 ** b);
    return b < 8 * DTYPES[dtype].bytes ? a * 2 ** b : 0;
  },
  cases: ["LEFT", "RIGHT"].flatMap((direction) => [
    { name: `u8 ${direction}`, attrs: { direction }, inputs: [tensor("u8", [16, 4, 255, 1]), tensor("u8", [1, 2, 3, 9])] },
    { name: `i32 ${direction}`, attrs: { direction }, inputs: [tensor("i32", [16, 4, 65535, 7]), tensor("i32", [2])] },
  ]),
});
