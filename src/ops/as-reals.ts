import type { TensorType } from "../tensor/index.ts";
import type { Decomposition } from "./define.ts";
import { ELEMENT_CODES } from "./element-type.ts";

/** Whether elements are integers that stand for nothing but themselves. */
export const isWhole = ({ dtype, quant }: TensorType): boolean => dtype !== "f32" && !quant;

/** Whether both operands are integers of one type of which products are taken as they are. */
export const areIntegers = (a: TensorType, b: TensorType): boolean => a.dtype === b.dtype && (a.dtype === "i32" || a.dtype === "i64");

/**
 * An operator on integers as the same operator on reals, where it has kernels for those alone; the first `operands` inputs are converted (all where it is not
 * said). Exact as long as they, and all sums on the way, stay below 2²⁴. Adds nothing where the first input is no integer.
 */
export function asReals({ node, type, add }: Decomposition, operands = node.inputs.length): void {
  const first = type(node.inputs[0]);
  if (!isWhole(first)) return;
  const reals = node.inputs.map((name, i) => (name !== "" && i < operands ? add("Cast", [name], { to: ELEMENT_CODES.f32 }) : name));
  add("Cast", [add(node.op, reals, node.attrs)], { to: ELEMENT_CODES[first.dtype] }, node.outputs);
}
