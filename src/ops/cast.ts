import { DTYPES, type DType, f32, i64, type Tensor } from "../tensor/index.ts";
import { attr, defineOp } from "./define.ts";
import { ELEMENT_TYPES, elementTypeName } from "./element-type.ts";

function target(to: unknown): DType {
  const found = ELEMENT_TYPES.get(to as number);
  if (!found) throw new RangeError(`element type ${elementTypeName(to as number)} is not supported`);
  return found.dtype;
}

/** Conversion of one element: floats are cut towards zero, integers wrap, anything but zero is true. */
function convert(value: number, to: DType): number {
  if (to === "bool") return value !== 0 ? 1 : 0;
  if (to === "i64") return Number.isNaN(value) ? 0 : Math.min(Math.max(Math.trunc(value), -(2 ** 53)), 2 ** 53);
  return value;
}

/** Folds away: there are no kernels that convert while a model runs, and none are needed where the type stays. */
export const Cast = defineOp({
  attrs: { to: attr.required(attr.int()), saturate: attr.int(1) },
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ node, inputs: [x] }) => [{ dtype: target(node.attrs.to), shape: x!.shape }],
  eval: ({ node, inputs: [x] }): Tensor[] => {
    const dtype = target(node.attrs.to);
    const data = DTYPES[dtype].array.from(Array.from(x!.data, (v) => convert(v, dtype)));
    return [{ dtype, shape: x!.shape, data }];
  },
  permute: (node, perm) => ({ attrs: node.attrs, perm }),
  lower: (ctx) => {
    const [x, y] = [ctx.node.inputs[0], ctx.node.outputs[0]];
    const [from, to] = [ctx.type(x).dtype, ctx.type(y).dtype];
    const sameBytes = from === to || (DTYPES[from].bytes === 4 && DTYPES[to].bytes === 4 && from !== "f32" && to !== "f32");
    if (!sameBytes) throw new RangeError(`conversion from ${from} to ${to} while the model runs is not supported`);
    ctx.alias(x, y);
  },
  cases: [
    { name: "f32 to i64", inputs: [f32([-1.5, 0, 2.9])], attrs: { to: 7 }, constants: [0] },
    { name: "i64 to bool", inputs: [i64([0, 2, -3])], attrs: { to: 9 }, constants: [0] },
    { name: "f32 to f32", inputs: [f32([1, 2])], attrs: { to: 1 } },
  ],
});
