import { i64, normalizeAxis, stridesOf, withShape } from "../tensor/index.ts";
import { beside } from "./bound.ts";
import { attr, type InferContext, wave } from "./define.ts";
import { optionalInts } from "./inputs.ts";
import { defineMover } from "./mover.ts";
import { attrsToInputs } from "./upgrade.ts";

/** Lengths of the parts along the axis: the constant second input, or as even as they come (opset 18: the last is shorter). */
function partsOf(ctx: Pick<InferContext, "node" | "inputs" | "constant">, length: number): number[] {
  const count = ctx.node.outputs.length;
  const even = Math.ceil(length / count);
  const parts = optionalInts(ctx, 1, "split") ?? Array.from({ length: count }, (_, i) => Math.max(0, Math.min(even, length - i * even)));
  if (parts.length !== count || parts.some((p) => p < 0) || parts.reduce((a, b) => a + b, 0) !== length)
    throw new RangeError(`split [${parts}] does not divide ${length} among ${count} outputs`);
  return parts;
}

export const Split = defineMover({
  attrs: { axis: attr.int(0), num_outputs: attr.int() },
  arity: [1, 2],
  variadicOutputs: true,
  infer: (ctx) => {
    const x = ctx.inputs[0]!;
    const axis = normalizeAxis(ctx.node.attrs.axis as number, x.shape.length);
    const outputs = ctx.node.attrs.num_outputs as number | undefined;
    if (outputs !== undefined && outputs !== ctx.node.outputs.length) throw new RangeError(`num_outputs is ${outputs}`);
    return partsOf(ctx, x.shape[axis]).map((part) => withShape(x, x.shape.with(axis, part)));
  },
  moves: ({ node, inputs: [x], outputs }) => {
    const axis = normalizeAxis(node.attrs.axis as number, x!.shape.length);
    const srcStrides = stridesOf(x!.shape);
    let src = 0;
    return outputs.map((y, output) => {
      const move = { input: 0, output, dims: y.shape, src, srcStrides, dst: 0, dstStrides: stridesOf(y.shape) };
      src += y.shape[axis] * srcStrides[axis];
      return move;
    });
  },
  upgrade: (node, ctx) => [attrsToInputs(node, ctx, ["split"])],
  permute: (node, perm, { inputs }) => {
    const axis = normalizeAxis(node.attrs.axis as number, inputs[0]!.shape.length);
    return { attrs: { ...node.attrs, axis: perm.indexOf(axis) }, inputs: "first", perm };
  },
  bound: (ctx) => beside(normalizeAxis(ctx.node.attrs.axis as number, ctx.output.shape.length), ctx),
  quantize: { kind: "same" },
  cases: [
    { name: "even", inputs: [wave([2, 6])], attrs: { axis: 1 }, outputs: 3 },
    { name: "given lengths", inputs: [wave([5, 2]), i64([1, 4])], constants: [1], outputs: 2 },
  ],
});
