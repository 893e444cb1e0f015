import { TopKField } from "../../assembly/shared/indexing.ts";
import { Op } from "../../assembly/shared/plan.ts";
import { aroundAxis, elementCount, i64, normalizeAxis, type Tensor, type TensorType, tensor, withShape, zeros } from "../tensor/index.ts";
import { attr, defineOp, type InferContext, wave } from "./define.ts";
import { constantInts } from "./inputs.ts";
import { ELEMENTS } from "./lowering.ts";
import { attrsToInputs } from "./upgrade.ts";

function outputTypes(ctx: Pick<InferContext, "node" | "inputs" | "constant">): [TensorType, TensorType] {
  const x = ctx.inputs[0]!;
  const axis = normalizeAxis(ctx.node.attrs.axis as number, x.shape.length);
  const [k, ...more] = constantInts(ctx, 1, "k");
  if (k === undefined || more.length || !(k >= 0 && k <= x.shape[axis]))
    throw new RangeError(`k ${[k, ...more]} does not fit [${x.shape}]`);
  const shape = x.shape.with(axis, k);
  return [withShape(x, shape), { dtype: "i64", shape }];
}

/** The k largest or smallest along `axis` and where they are, best first whether `sorted` or not; of equals the first. */
export const TopK = defineOp({
  attrs: { axis: attr.int(-1), largest: attr.int(1), sorted: attr.int(1) },
  arity: [2, 2],
  tolerance: "exact",
  infer: outputTypes,
  eval: ({ node, inputs }): Tensor[] => {
    const x = inputs[0]!;
    const [values, indices] = outputTypes({ node, inputs, constant: (i) => inputs[i] }).map(zeros);
    const axis = normalizeAxis(node.attrs.axis as number, x.shape.length);
    const { outer, n, inner } = aroundAxis(x.shape, axis);
    const k = values.shape[axis];
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const at = (j: number): number => x.data[(o * n + j) * inner + i];
        const order = Array.from({ length: n }, (_, j) => j).sort((p, q) => (node.attrs.largest ? at(q) - at(p) : at(p) - at(q)) || p - q);
        for (let j = 0; j < k; j++) {
          values.data[(o * k + j) * inner + i] = at(order[j]);
          indices.data[(o * k + j) * inner + i] = order[j];
        }
      }
    }
    return [values, indices];
  },
  upgrade: (node, ctx) => [
    node.attrs.k === undefined ? node : attrsToInputs({ ...node, attrs: { ...node.attrs, k: [node.attrs.k as number] } }, ctx, ["k"]),
  ],
  lower: (ctx) => {
    const { attrs, inputs, outputs } = ctx.node;
    const { shape, dtype } = ctx.type(inputs[0]);
    const axis = normalizeAxis(attrs.axis as number, shape.length);
    const { outer, n, inner } = aroundAxis(shape, axis);
    const out = ctx.type(outputs[0]).shape;
    if (elementCount(out) === 0) return;
    ctx.emit(Op.top_k, {
      [TopKField.element]: ELEMENTS[dtype],
      [TopKField.least]: Number(!attrs.largest),
      [TopKField.outer]: outer,
      [TopKField.n]: n,
      [TopKField.inner]: inner,
      [TopKField.k]: out[axis],
      [TopKField.a]: ctx.place(inputs[0]),
      [TopKField.values]: ctx.place(outputs[0]),
      [TopKField.indices]: outputs[1] ? ctx.place(outputs[1]) : ctx.scratch(4 * elementCount(out)),
      [TopKField.scratch]: ctx.scratch(4 * out[axis]),
    });
  },
  cases: [
    { name: "three of each row", inputs: [wave([2, 9]), i64([3])], constants: [1], outputs: 2 },
    {
      name: "smallest, along the first axis",
      inputs: [wave([7, 3]), i64([2])],
      attrs: { axis: 0, largest: 0 },
      constants: [1],
      outputs: 2,
    },
    { name: "all, some equal", inputs: [tensor("i32", [4, 9, -1, 9, 4, 4, 0]), i64([7])], constants: [1], outputs: 2 },
    { name: "values alone", inputs: [wave([40]), i64([5])], attrs: { sorted: 0 }, constants: [1] },
  ],
});
