import { ArgField } from "../../assembly/shared/indexing.ts";
import { Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { aroundAxis, DTYPES, normalizeAxis, type Shape, type Tensor, tensor, zeros } from "../tensor/index.ts";
import { attr, defineOp, type OpDef, wave } from "./define.ts";
import { ELEMENTS } from "./lowering.ts";
import { permutationWithout } from "./reduce.ts";

function outputShape({ attrs }: Node, shape: Shape): Shape {
  const axis = normalizeAxis(attrs.axis as number, shape.length);
  if (shape[axis] === 0) throw new RangeError(`[${shape}] has nothing to choose from along axis ${axis}`);
  return attrs.keepdims ? shape.with(axis, 1) : shape.filter((_, i) => i !== axis);
}

/** Where along `axis` the largest or smallest element is: the first of equals, or with `select_last_index` the last. */
function arg(least: boolean): OpDef {
  const better = (x: number, y: number): boolean => (least ? x < y : x > y);
  return defineOp({
    attrs: { axis: attr.int(0), keepdims: attr.int(1), select_last_index: attr.int(0) },
    arity: [1, 1],
    tolerance: "exact",
    infer: ({ node, inputs: [x] }) => [{ dtype: "i64", shape: outputShape(node, x!.shape) }],
    eval: ({ node, inputs: [x] }): Tensor[] => {
      const out = zeros({ dtype: "i64", shape: outputShape(node, x!.shape) });
      const { outer, n, inner } = aroundAxis(x!.shape, normalizeAxis(node.attrs.axis as number, x!.shape.length));
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < inner; i++) {
          const at = (j: number): number => x!.data[(o * n + j) * inner + i];
          let best = 0;
          for (let j = 1; j < n; j++) if (better(at(j), at(best)) || (node.attrs.select_last_index && at(j) === at(best))) best = j;
          out.data[o * inner + i] = best;
        }
      }
      return [out];
    },
    permute: (node, perm, { inputs: [x] }) => {
      const axis = normalizeAxis(node.attrs.axis as number, x!.shape.length);
      const attrs = { ...node.attrs, axis: perm.indexOf(axis) };
      return { attrs, inputs: "first", perm: node.attrs.keepdims ? perm : permutationWithout(perm, [axis]) };
    },
    lower: (ctx) => {
      const { attrs, inputs, outputs } = ctx.node;
      const { shape, dtype } = ctx.type(inputs[0]);
      const { outer, n, inner } = aroundAxis(shape, normalizeAxis(attrs.axis as number, shape.length));
      ctx.emit(Op.arg, {
        [ArgField.element]: ELEMENTS[dtype],
        [ArgField.least]: Number(least),
        [ArgField.last]: Number(attrs.select_last_index !== 0),
        [ArgField.outer]: outer,
        [ArgField.n]: n,
        [ArgField.inner]: inner,
        [ArgField.a]: ctx.place(inputs[0]),
        [ArgField.c]: ctx.place(outputs[0]),
        [ArgField.scratch]: ctx.scratch(inner * DTYPES[dtype].bytes),
      });
    },
    cases: [
      { name: "channels", inputs: [wave([2, 5, 3])], attrs: { axis: 1 } },
      { name: "last axis, dropped", inputs: [wave([3, 7])], attrs: { axis: -1, keepdims: 0 } },
      { name: "channels of an image", inputs: [wave([1, 4, 3, 3])], attrs: { axis: 1, keepdims: 0 } },
      { name: "the last of equals", inputs: [tensor("i8", [3, -3, 3, -3, 0], [5])], attrs: { select_last_index: 1 } },
      { name: "bytes above 127", inputs: [tensor("u8", [3, 200, 127], [3])] },
      { name: "integers", inputs: [tensor("i32", [7, -70000, 70000, 70000], [2, 2])] },
    ],
  });
}

export const ArgMax = arg(false);
export const ArgMin = arg(true);
