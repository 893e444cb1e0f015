import { CumulativeSumField } from "../../assembly/shared/indexing.ts";
import { Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { aroundAxis, normalizeAxis, type Tensor, type TensorType, tensor, typeOf, zeros } from "../tensor/index.ts";
import { attr, defineOp, wave } from "./define.ts";
import { constantInts } from "./inputs.ts";
import { ELEMENTS } from "./lowering.ts";

function axisOf(inputs: readonly (TensorType | undefined)[], constant: (index: number) => Tensor | undefined): number {
  const [axis, ...more] = constantInts({ inputs, constant }, 1, "the axis");
  if (axis === undefined || more.length) throw new RangeError("the axis must be one number");
  return normalizeAxis(axis, inputs[0]!.shape.length);
}

const axisInput = (axis: number): Tensor => tensor("i64", [axis], []);

/** Sums of all elements up to each along an axis, without itself where `exclusive`, from the end where `reverse`. */
export const CumSum = defineOp({
  attrs: { exclusive: attr.int(0), reverse: attr.int(0) },
  arity: [2, 2],
  tolerance: "exact",
  infer: ({ inputs, constant }) => {
    axisOf(inputs, constant);
    return [typeOf(inputs[0]!)];
  },
  eval: ({ node, inputs }) => {
    const x = inputs[0]!;
    const out = zeros(typeOf(x));
    const { outer, n, inner } = aroundAxis(
      x.shape,
      axisOf(inputs, (i) => inputs[i]),
    );
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const sum = zeros({ dtype: x.dtype, shape: [1] }).data;
        for (let j = 0; j < n; j++) {
          const at = (o * n + (node.attrs.reverse ? n - 1 - j : j)) * inner + i;
          if (node.attrs.exclusive) out.data[at] = sum[0];
          sum[0] += x.data[at];
          if (!node.attrs.exclusive) out.data[at] = sum[0];
        }
      }
    }
    return [out];
  },
  lower: (ctx) => {
    const { attrs, inputs, outputs } = ctx.node;
    const types = inputs.map((input) => ctx.type(input));
    const [{ shape, dtype }] = types;
    if (dtype !== "f32" && dtype !== "i32" && dtype !== "i64") throw new RangeError(`there is no kernel for ${dtype}`);
    const { outer, n, inner } = aroundAxis(
      shape,
      axisOf(types, (i) => ctx.constant(inputs[i])),
    );
    if (n === 0) return;
    ctx.emit(Op.cumulative_sum, {
      [CumulativeSumField.element]: ELEMENTS[dtype],
      [CumulativeSumField.exclusive]: attrs.exclusive as number,
      [CumulativeSumField.reverse]: attrs.reverse as number,
      [CumulativeSumField.outer]: outer,
      [CumulativeSumField.n]: n,
      [CumulativeSumField.inner]: inner,
      [CumulativeSumField.a]: ctx.place(inputs[0]),
      [CumulativeSumField.c]: ctx.place(outputs[0]),
    });
  },
  cases: (
    [
      ["rows", [3, 5], 1, {}],
      ["columns, from the end", [3, 5], 0, { reverse: 1 }],
      ["without itself", [2, 3, 2], -2, { exclusive: 1 }],
      ["without itself, from the end", [6], 0, { exclusive: 1, reverse: 1 }],
    ] as const
  ).map(([name, shape, axis, attrs]) => ({
    name,
    inputs: [wave(shape), axisInput(axis)],
    attrs: attrs as Node["attrs"],
    constants: [1],
  })),
});
