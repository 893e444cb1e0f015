import { OneHotField } from "../../assembly/shared/indexing.ts";
import { Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { aroundAxis, DTYPES, f32, i64, type Tensor, type TensorType, tensor, zeros } from "../tensor/index.ts";
import { attr, defineOp, type InferContext } from "./define.ts";
import { uniqueAxes } from "./inputs.ts";
import { ELEMENTS } from "./lowering.ts";

const axisOf = (node: Node, rank: number): number => uniqueAxes([node.attrs.axis as number], rank)[0];

function outputType({ node, inputs, constant }: Pick<InferContext, "node" | "inputs" | "constant">): TensorType {
  const [indices, , values] = inputs;
  const depth = constant(1);
  if (depth?.data.length !== 1) throw new RangeError("the depth must be one number, known when the model is packed");
  const n = Math.trunc(depth.data[0]);
  if (!(n >= 0)) throw new RangeError(`the depth is ${depth.data[0]}`);
  if (values!.shape.length !== 1 || values!.shape[0] !== 2) throw new RangeError("values must be a pair: off and on");
  return { dtype: values!.dtype, shape: indices!.shape.toSpliced(axisOf(node, indices!.shape.length + 1), 0, n) };
}

/** A new axis, along which the place that an index names is on and all others are off; indices outside the depth name none. */
export const OneHot = defineOp({
  attrs: { axis: attr.int(-1) },
  arity: [3, 3],
  tolerance: "exact",
  infer: (ctx) => [outputType(ctx)],
  eval: ({ node, inputs }): Tensor[] => {
    const [indices, , values] = inputs;
    const out = zeros(outputType({ node, inputs, constant: (i) => inputs[i] }));
    const { outer, n, inner } = aroundAxis(out.shape, axisOf(node, out.shape.length));
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < n; j++) {
        for (let i = 0; i < inner; i++) {
          const index = indices!.data[o * inner + i];
          out.data[(o * n + j) * inner + i] = values!.data[index === j || index + n === j ? 1 : 0];
        }
      }
    }
    return [out];
  },
  lower: (ctx) => {
    const { inputs, outputs } = ctx.node;
    const { shape, dtype } = ctx.type(outputs[0]);
    const { outer, n, inner } = aroundAxis(shape, axisOf(ctx.node, shape.length));
    ctx.emit(Op.one_hot, {
      [OneHotField.element]: ELEMENTS[ctx.type(inputs[0]).dtype],
      [OneHotField.size]: DTYPES[dtype].bytes,
      [OneHotField.outer]: outer,
      [OneHotField.n]: n,
      [OneHotField.inner]: inner,
      [OneHotField.indices]: ctx.place(inputs[0]),
      [OneHotField.values]: ctx.place(inputs[2]),
      [OneHotField.c]: ctx.place(outputs[0]),
    });
  },
  cases: [
    { name: "last axis", inputs: [i64([0, 2, -1, 9]), i64([4]), f32([0, 1])], constants: [1, 2] },
    {
      name: "a middle axis",
      inputs: [i64([1, 0, 2, -3], [2, 2]), tensor("f32", [3], []), f32([2, 5])],
      attrs: { axis: 1 },
      constants: [1],
    },
    { name: "real indices, bytes", inputs: [f32([1, 0.5]), i64([2]), tensor("bool", [0, 1])], constants: [1, 2] },
  ],
});
