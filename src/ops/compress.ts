import { CompressField } from "../../assembly/shared/indexing.ts";
import { Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import {
  aroundAxis,
  DTYPES,
  elementCount,
  normalizeAxis,
  type Shape,
  type Tensor,
  type TensorType,
  tensor,
  withShape,
  zeros,
} from "../tensor/index.ts";
import { attr, defineOp, wave } from "./define.ts";

/** The view around the axis, all in one where there is none, and how many places the condition can take. */
function viewOf({ attrs }: Node, { shape }: TensorType, condition: TensorType) {
  const axis = attrs.axis === undefined ? undefined : normalizeAxis(attrs.axis as number, shape.length);
  const view = axis === undefined ? { outer: 1, n: elementCount(shape), inner: 1 } : aroundAxis(shape, axis);
  const count = elementCount(condition.shape);
  if (condition.dtype !== "bool" || condition.shape.length !== 1 || count > view.n)
    throw new RangeError(`the condition, ${condition.dtype}[${condition.shape}], does not fit a dimension of ${view.n}`);
  const shapeOf = (n: number): Shape => (axis === undefined ? [n] : shape.with(axis, n));
  return { ...view, count, axis: axis ?? 0, shapeOf };
}

const truths = ({ data }: Tensor): number => Array.from(data).filter((v) => v !== 0).length;

/** The slices along `axis`, or the elements in order, for which the condition is true. */
export const Compress = defineOp({
  attrs: { axis: attr.int() },
  arity: [2, 2],
  tolerance: "exact",
  infer: ({ node, inputs: [x, condition], constant }) => {
    const { shapeOf, count, axis } = viewOf(node, x!, condition!);
    const known = constant(1);
    return [known ? withShape(x!, shapeOf(truths(known))) : { ...withShape(x!, shapeOf(count)), bound: { axis, zeros: true } }];
  },
  eval: ({ node, inputs: [x, condition] }) => {
    const { outer, n, inner, count, shapeOf } = viewOf(node, x!, condition!);
    const out = zeros(withShape(x!, shapeOf(truths(condition!))));
    let at = 0;
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < count; j++) {
        if (condition!.data[j] === 0) continue;
        for (let i = 0; i < inner; i++) out.data[at++] = x!.data[(o * n + j) * inner + i];
      }
    }
    return [out];
  },
  decompose: ({ node, type, constant, add, value }) => {
    const [x, condition] = node.inputs;
    const known = constant(condition);
    if (!known) return;
    const flat = node.attrs.axis === undefined;
    const picks = Array.from(known.data, (_, i) => i).filter((i) => known.data[i] !== 0);
    const data = flat ? add("Reshape", [x, value(tensor("i64", [elementCount(type(x).shape)]))], { allowzero: 1 }) : x;
    add("Gather", [data, value(tensor("i64", picks))], { axis: flat ? 0 : node.attrs.axis }, node.outputs);
  },
  lower: (ctx) => {
    const [x, condition] = ctx.node.inputs;
    const [y] = ctx.node.outputs;
    const { outer, n, inner, count } = viewOf(ctx.node, ctx.type(x), ctx.type(condition));
    const length = ctx.scratch(4);
    ctx.emit(Op.compress, {
      [CompressField.size]: DTYPES[ctx.type(x).dtype].bytes,
      [CompressField.outer]: outer,
      [CompressField.n]: n,
      [CompressField.inner]: inner,
      [CompressField.count]: count,
      [CompressField.a]: ctx.place(x),
      [CompressField.condition]: ctx.place(condition),
      [CompressField.c]: ctx.place(y),
      [CompressField.length]: length,
    });
    ctx.measured(y, length);
  },
  cases: [
    { name: "rows", inputs: [wave([3, 4]), tensor("bool", [1, 0, 1])], attrs: { axis: 0 } },
    { name: "columns, a short condition", inputs: [wave([3, 4]), tensor("bool", [0, 1])], attrs: { axis: -1 } },
    { name: "all elements in order", inputs: [wave([2, 2]), tensor("bool", [0, 0, 1, 1])] },
    { name: "a known condition", inputs: [wave([2, 3]), tensor("bool", [1, 0, 1])], attrs: { axis: 1 }, constants: [1] },
    { name: "a known condition, in order", inputs: [wave([2, 3]), tensor("bool", [1, 0, 1, 0, 1])], constants: [1] },
  ],
});
