import { Op, SoftmaxField } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { elementCount, normalizeAxis, type TensorType, zeros } from "../tensor/index.ts";
import { beside } from "./bound.ts";
import { attr, defineOp, type OpDef, wave } from "./define.ts";
import type { Lowering } from "./lowering.ts";

/** A view of the shape as [outer, n, inner], normalised along n. */
export function viewOf(node: Node, x: TensorType) {
  const axis = normalizeAxis(node.attrs.axis as number, x.shape.length);
  const end = node.attrs.coerce ? x.shape.length : axis + 1;
  return {
    outer: elementCount(x.shape.slice(0, axis)),
    n: elementCount(x.shape.slice(axis, end)),
    inner: elementCount(x.shape.slice(end)),
  };
}

function softmax(log: boolean): OpDef {
  return defineOp({
    attrs: {
      axis: attr.int(-1),
      /** edgepack's own: 1 normalises over `axis` and all axes after it, as the operator did before opset 13. */
      coerce: attr.int(0),
    },
    arity: [1, 1],
    tolerance: 2e-6,
    infer: ({ inputs: [x], node }) => {
      viewOf(node, x!);
      return [{ dtype: x!.dtype, shape: x!.shape }];
    },
    eval({ node, inputs: [x] }) {
      const out = zeros(x!);
      const { outer, n, inner } = viewOf(node, x!);
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < inner; i++) {
          const row = Array.from({ length: n }, (_, j) => x!.data[(o * n + j) * inner + i]);
          const max = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
          const sum = row.reduce((s, v) => s + Math.exp(v - max), 0);
          row.forEach((v, j) => {
            out.data[(o * n + j) * inner + i] = log ? v - max - Math.log(sum) : Math.exp(v - max) / sum;
          });
        }
      }
      return [out];
    },
    upgrade: (node, { opset }) =>
      opset >= 13 ? [node] : [{ ...node, attrs: { ...node.attrs, axis: (node.attrs.axis as number) ?? 1, coerce: 1 } }],
    permute: (node, perm, { inputs: [x] }) => {
      const axis = normalizeAxis(node.attrs.axis as number, x!.shape.length);
      // One that normalises over several axes must keep them together.
      if (viewOf(node, x!).n !== x!.shape[axis]) return undefined;
      return { attrs: { ...node.attrs, axis: perm.indexOf(axis), coerce: 0 }, inputs: "first", perm };
    },
    bound: (ctx) => {
      const axis = normalizeAxis(ctx.node.attrs.axis as number, ctx.output.shape.length);
      return ctx.node.attrs.coerce && ctx.bound.axis > axis ? undefined : beside(axis, ctx);
    },
    lower: (ctx) => lowerSoftmax(ctx, log),
    cases: [
      { name: "last axis", inputs: [wave([3, 11])] },
      { name: "channels of NCHW", inputs: [wave([2, 5, 3, 3])], attrs: { axis: 1 } },
      { name: "coerced", inputs: [wave([2, 3, 4])], attrs: { axis: 1, coerce: 1 } },
    ],
  });
}

export const Softmax = softmax(false);
export const LogSoftmax = softmax(true);

function lowerSoftmax(ctx: Lowering, log: boolean): void {
  const { node } = ctx;
  const { outer, n, inner } = viewOf(node, ctx.type(node.inputs[0]));
  if (inner !== 1) throw new RangeError(`there is no kernel for axis ${node.attrs.axis}, which is not the last`);
  ctx.emit(Op.f32_softmax, {
    [SoftmaxField.rows]: outer,
    [SoftmaxField.n]: n,
    [SoftmaxField.a]: ctx.place(node.inputs[0]),
    [SoftmaxField.c]: ctx.place(node.outputs[0]),
    [SoftmaxField.log]: log ? 1 : 0,
  });
}
