import { WhereField } from "../../assembly/shared/elementwise.ts";
import { Op } from "../../assembly/shared/plan.ts";
import { DTYPES, f32, i64, tensor, zeros } from "../tensor/index.ts";
import { pointwise } from "./bound.ts";
import { broadcastDims, broadcastReader, commonShape } from "./broadcast.ts";
import { defineOp, wave } from "./define.ts";
import { permutesAll } from "./element.ts";
import type { Lowering } from "./lowering.ts";

function lowerWhere(ctx: Lowering): void {
  const [condition, a, b] = ctx.node.inputs;
  const [c] = ctx.node.outputs;
  const { shape, dtype } = ctx.type(c);
  const {
    dims: d,
    strides: [sp, sa, sb],
  } = broadcastDims(
    shape,
    ctx.node.inputs.map((input) => ctx.type(input).shape),
  );
  ctx.emit(Op.where, {
    [WhereField.size]: DTYPES[dtype].bytes,
    [WhereField.d0]: d[0],
    [WhereField.d1]: d[1],
    [WhereField.d2]: d[2],
    [WhereField.d3]: d[3],
    [WhereField.d4]: d[4],
    [WhereField.d5]: d[5],
    [WhereField.condition]: ctx.place(condition),
    [WhereField.p0]: sp[0],
    [WhereField.p1]: sp[1],
    [WhereField.p2]: sp[2],
    [WhereField.p3]: sp[3],
    [WhereField.p4]: sp[4],
    [WhereField.p5]: sp[5],
    [WhereField.a]: ctx.place(a),
    [WhereField.a0]: sa[0],
    [WhereField.a1]: sa[1],
    [WhereField.a2]: sa[2],
    [WhereField.a3]: sa[3],
    [WhereField.a4]: sa[4],
    [WhereField.a5]: sa[5],
    [WhereField.b]: ctx.place(b),
    [WhereField.b0]: sb[0],
    [WhereField.b1]: sb[1],
    [WhereField.b2]: sb[2],
    [WhereField.b3]: sb[3],
    [WhereField.b4]: sb[4],
    [WhereField.b5]: sb[5],
    [WhereField.c]: ctx.place(c),
  });
}

/** Per element the second input where the first is true, else the third. */
export const Where = defineOp({
  attrs: {},
  arity: [3, 3],
  tolerance: "exact",
  infer: ({ inputs }) => {
    const [condition, a, b] = inputs;
    if (condition!.dtype !== "bool") throw new RangeError(`the condition must be bool, is ${condition!.dtype}`);
    if (a!.dtype !== b!.dtype) throw new RangeError(`the choices are ${a!.dtype} and ${b!.dtype}`);
    return [{ dtype: a!.dtype, shape: commonShape(inputs) }];
  },
  eval: ({ inputs }) => {
    const shape = commonShape(inputs);
    const out = zeros({ dtype: inputs[1]!.dtype, shape });
    const [condition, a, b] = inputs.map((x) => broadcastReader(x!, shape));
    for (let i = 0; i < out.data.length; i++) out.data[i] = condition(i) ? a(i) : b(i);
    return [out];
  },
  permute: (_node, perm, { inputs }) => (permutesAll(perm, inputs) ? { inputs: "all", perm } : undefined),
  bound: pointwise,
  lower: lowerWhere,
  cases: [
    { name: "all stretched", inputs: [tensor("bool", [1, 0], [2, 1]), f32([1, 2, 3]), tensor("f32", [-1], [])] },
    { name: "a mask", inputs: [tensor("bool", [1, 0, 0, 1, 1], [1, 1, 5]), wave([2, 3, 5]), f32([Number.NEGATIVE_INFINITY], [])] },
    { name: "i64", inputs: [tensor("bool", [1, 0, 1]), i64([1, 2, 3]), i64([-1, -2, -3])] },
    { name: "u8", inputs: [tensor("bool", [1, 0, 1]), tensor("u8", [1, 2, 3]), tensor("u8", [255])] },
    { name: "constants", inputs: [tensor("bool", [1, 0], [2, 1]), f32([1, 2, 3]), tensor("f32", [-1], [])], constants: [0, 1, 2] },
  ],
});
