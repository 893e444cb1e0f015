/** Comparisons and logic: rows of one table. */
import { ElementBinary, ElementUnary } from "../../assembly/shared/elementwise.ts";
import { type DType, f32, type Tensor, tensor, zeros } from "../tensor/index.ts";
import { pointwise } from "./bound.ts";
import { defineOp, type OpDef, wave } from "./define.ts";
import { elementBinary, emitElementUnary } from "./element.ts";

const NUMBERS: readonly DType[] = ["f32", "i64", "i32", "i8", "u8"];

const PAIRS = [
  [-1, 0, 1, 2, 3, 3],
  [-1, 1, 0, 2, -3, 4],
] as const;

/** Six numbers against six others. */
const numbers = (dtype: DType) => ({
  name: `${dtype} pairs`,
  inputs: PAIRS.map((values) => tensor(dtype, dtype === "u8" || dtype === "bool" ? values.map(Math.abs) : values)),
});

function comparison(kind: ElementBinary, compute: (a: number, b: number) => boolean, types = NUMBERS): OpDef {
  return elementBinary({
    attrs: {},
    types,
    kind: () => kind,
    compute: (a, b) => (compute(a, b) ? 1 : 0),
    cases: [
      ...NUMBERS.map(numbers),
      { name: "NaN", inputs: [f32([Number.NaN, Number.NaN, 0, -0]), f32([Number.NaN, 0, -0, 0])] },
      { name: "both stretched", inputs: [wave([2, 1, 4]), wave([3, 1], 2)] },
      { name: "constants", inputs: [tensor("i64", [0, 0, 1, 1]), tensor("i64", [0, 1, 0, 1])], constants: [0, 1] },
    ],
  });
}

function logical(kind: ElementBinary, compute: (a: number, b: number) => boolean): OpDef {
  return elementBinary({
    attrs: {},
    types: ["bool"],
    kind: () => kind,
    compute: (a, b) => (compute(a, b) ? 1 : 0),
    cases: [
      { name: "truth table", inputs: [tensor("bool", [0, 0, 1, 1]), tensor("bool", [0, 1, 0, 1])] },
      { name: "broadcast", inputs: [tensor("bool", [0, 1, 1, 0], [2, 2]), tensor("bool", [0, 1], [2])] },
    ],
  });
}

export const Equal = comparison(ElementBinary.equal, (a, b) => a === b, [...NUMBERS, "bool"]);
export const Less = comparison(ElementBinary.less, (a, b) => a < b);
export const LessOrEqual = comparison(ElementBinary.less_equal, (a, b) => a <= b);
export const Greater = comparison(ElementBinary.greater, (a, b) => a > b);
export const GreaterOrEqual = comparison(ElementBinary.greater_equal, (a, b) => a >= b);
export const And = logical(ElementBinary.bit_and, (a, b) => a !== 0 && b !== 0);
export const Or = logical(ElementBinary.bit_or, (a, b) => a !== 0 || b !== 0);
export const Xor = logical(ElementBinary.bit_xor, (a, b) => a !== b);

export const Not = defineOp({
  attrs: {},
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ inputs: [x] }) => {
    if (x!.dtype !== "bool") throw new RangeError(`takes bool, not ${x!.dtype}`);
    return [{ dtype: "bool", shape: x!.shape }];
  },
  eval: ({ inputs: [x] }): Tensor[] => {
    const out = zeros({ dtype: "bool", shape: x!.shape });
    x!.data.forEach((v, i) => {
      out.data[i] = v ? 0 : 1;
    });
    return [out];
  },
  permute: (_node, perm) => ({ perm }),
  bound: pointwise,
  lower: (ctx) => emitElementUnary(ctx, ElementUnary.not),
  cases: [{ name: "truth table", inputs: [tensor("bool", [0, 1])] }],
});
