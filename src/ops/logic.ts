/** Comparisons and logic: rows of one table. They occur in shape arithmetic, so they fold away. */
import { type DType, tensor, zeros } from "../tensor/index.ts";
import { broadcastReader, commonShape } from "./broadcast.ts";
import { defineOp, type OpDef } from "./define.ts";

function logical(dtype: "bool" | "number", arity: 1 | 2, compute: (a: number, b: number) => boolean): OpDef {
  const operand: DType = dtype === "bool" ? "bool" : "i64";
  return defineOp({
    attrs: {},
    arity: [arity, arity],
    tolerance: "exact",
    infer: ({ inputs }) => {
      const types = inputs.map((x) => x!.dtype);
      if (dtype === "bool" && types.some((t) => t !== "bool")) throw new RangeError(`takes bool, not ${types.join(" and ")}`);
      if (new Set(types).size > 1) throw new RangeError(`takes two of one type, not ${types.join(" and ")}`);
      return [{ dtype: "bool", shape: commonShape(inputs) }];
    },
    eval: ({ inputs }) => {
      const shape = commonShape(inputs);
      const out = zeros({ dtype: "bool", shape });
      const [a, b = () => 0] = inputs.map((x) => broadcastReader(x!, shape));
      for (let i = 0; i < out.data.length; i++) out.data[i] = compute(a(i), b(i)) ? 1 : 0;
      return [out];
    },
    cases: [
      {
        name: "truth table",
        inputs: [tensor(operand, [0, 0, 1, 1]), tensor(operand, [0, 1, 0, 1])].slice(0, arity),
        constants: [0, 1].slice(0, arity),
      },
    ],
  });
}

export const Equal = logical("number", 2, (a, b) => a === b);
export const Less = logical("number", 2, (a, b) => a < b);
export const LessOrEqual = logical("number", 2, (a, b) => a <= b);
export const Greater = logical("number", 2, (a, b) => a > b);
export const GreaterOrEqual = logical("number", 2, (a, b) => a >= b);
export const And = logical("bool", 2, (a, b) => a !== 0 && b !== 0);
export const Or = logical("bool", 2, (a, b) => a !== 0 || b !== 0);
export const Xor = logical("bool", 2, (a, b) => a !== b);
export const Not = logical("bool", 1, (a) => a === 0);
