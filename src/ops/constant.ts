import type { AttrValue, Node } from "../graph/graph.ts";
import { f32, i64, type Tensor, type TensorType, tensor, typeOf, zeros } from "../tensor/index.ts";
import { attr, defineOp } from "./define.ts";
import { constantInts } from "./inputs.ts";

const isTensor = (value: AttrValue): value is Tensor => typeof value === "object" && "data" in value;

/** `Constant` holds its value in one of several attributes; exactly one may be there. */
function valueOfConstant({ attrs }: Node): Tensor {
  const found: Tensor[] = [];
  if (isTensor(attrs.value)) found.push(attrs.value);
  if (typeof attrs.value_float === "number") found.push(tensor("f32", [attrs.value_float], []));
  if (typeof attrs.value_int === "number") found.push(tensor("i64", [attrs.value_int], []));
  if (Array.isArray(attrs.value_floats)) found.push(f32(attrs.value_floats));
  if (Array.isArray(attrs.value_ints)) found.push(i64(attrs.value_ints));
  if (found.length !== 1) throw new RangeError("exactly one value must be given");
  return found[0];
}

export const Constant = defineOp({
  attrs: { value: attr.tensor(), value_float: attr.float(), value_int: attr.int(), value_floats: attr.floats(), value_ints: attr.ints() },
  arity: [0, 0],
  tolerance: "exact",
  infer: ({ node }) => [typeOf(valueOfConstant(node))],
  eval: ({ node }) => [valueOfConstant(node)],
  cases: [
    { name: "a tensor", inputs: [], attrs: { value: f32([1, 2], [2, 1]) } },
    { name: "integers", inputs: [], attrs: { value_ints: [3, 4] } },
  ],
});

/** One element of `value` (default: the f32 0) in a tensor of the shape that the input holds. */
export const ConstantOfShape = defineOp({
  attrs: { value: attr.tensor() },
  arity: [1, 1],
  tolerance: "exact",
  infer: (ctx) => [filled(ctx.node, constantInts(ctx, 0, "the shape"))],
  eval: ({ node, inputs: [shape] }) => {
    const out = zeros(filled(node, Array.from(shape!.data)));
    if (isTensor(node.attrs.value)) out.data.fill(node.attrs.value.data[0]);
    return [out];
  },
  cases: [
    { name: "zeros", inputs: [i64([2, 3])], constants: [0] },
    { name: "a value", inputs: [i64([4])], attrs: { value: i64([7]) }, constants: [0] },
  ],
});

function filled({ attrs: { value } }: Node, shape: readonly number[]): TensorType {
  if (shape.some((d) => d < 0)) throw new RangeError(`shape [${shape}] has negative dimensions`);
  if (isTensor(value) && value.data.length !== 1) throw new RangeError("value must hold one element");
  return { dtype: isTensor(value) ? value.dtype : "f32", shape };
}
