import type { Node } from "../graph/graph.ts";
import { f32, i64, quantizeValue, stridesOf, type TensorType, tensor, withShape } from "../tensor/index.ts";
import { attr, wave } from "./define.ts";
import { constantInts, optionalInts, uniqueAxes } from "./inputs.ts";
import { defineMover, type MoveContext } from "./mover.ts";
import { attrsToInputs } from "./upgrade.ts";

type PadContext = Pick<MoveContext, "node" | "inputs" | "constant">;

/** Elements added before and after each axis; negative ones cut. */
export function padsOf(ctx: PadContext): { before: number[]; after: number[] } {
  const rank = ctx.inputs[0]!.shape.length;
  const pads = constantInts(ctx, 1, "pads");
  const axes = uniqueAxes(optionalInts(ctx, 3, "axes") ?? Array.from({ length: rank }, (_, i) => i), rank);
  if (pads.length !== 2 * axes.length) throw new RangeError(`${pads.length} pads do not fit ${axes.length} axes`);
  const before = new Array<number>(rank).fill(0);
  const after = new Array<number>(rank).fill(0);
  axes.forEach((axis, i) => {
    before[axis] = pads[i];
    after[axis] = pads[i + axes.length];
  });
  return { before, after };
}

/** The real number that fills. */
export function padValue(ctx: PadContext): number {
  if (!ctx.inputs[2]) return 0;
  const value = ctx.constant(2);
  if (value?.data.length !== 1) throw new RangeError("the fill value must be one number, known when the model is packed");
  return value.data[0];
}

function padded(ctx: PadContext): TensorType {
  const mode = ctx.node.attrs.mode;
  if (mode !== "constant") throw new RangeError(`mode ${mode} is not supported, only constant`);
  const { before, after } = padsOf(ctx);
  const shape = ctx.inputs[0]!.shape.map((d, i) => d + before[i] + after[i]);
  if (shape.some((d) => d < 0)) throw new RangeError(`pads cut more than [${ctx.inputs[0]!.shape}] has`);
  return withShape(ctx.inputs[0]!, shape);
}

export const Pad = defineMover({
  attrs: { mode: attr.string("constant") },
  arity: [2, 4],
  infer: (ctx) => [padded(ctx)],
  fill: (ctx) => {
    const quant = ctx.inputs[0]!.quant;
    return quant ? quantizeValue(padValue(ctx), quant.scale[0], quant.zero) : padValue(ctx);
  },
  moves: (ctx) => {
    const { shape } = ctx.inputs[0]!;
    const { before, after } = padsOf(ctx);
    const [srcStrides, dstStrides] = [stridesOf(shape), stridesOf(ctx.outputs[0].shape)];
    const at = (strides: number[], sign: number) => before.reduce((sum, b, i) => sum + Math.max(0, sign * b) * strides[i], 0);
    const dims = shape.map((d, i) => Math.max(0, d + Math.min(0, before[i]) + Math.min(0, after[i])));
    return [{ input: 0, output: 0, dims, src: at(srcStrides, -1), srcStrides, dst: at(dstStrides, 1), dstStrides }];
  },
  upgrade: (node, ctx) => {
    const { paddings, ...attrs } = node.attrs;
    const raised = paddings === undefined ? node : { ...node, attrs: { ...attrs, pads: paddings } };
    return [attrsToInputs(raised, ctx, ["pads", "value"])];
  },
  permute: (node: Node, perm, { inputs, constant }) => {
    if (!constant) return undefined;
    const { before, after } = padsOf({ node, inputs, constant });
    const axes = inputs[3] ? new Map([[3, i64(perm.map((_, i) => i))]]) : new Map();
    const pads = i64([...perm.map((p) => before[p]), ...perm.map((p) => after[p])]);
    return { attrs: node.attrs, inputs: "first", constants: new Map([...axes, [1, pads]]), perm };
  },
  quantize: { kind: "same" },
  cases: [
    { name: "zeros around", inputs: [wave([2, 3]), i64([1, 0, 0, 2])], constants: [1] },
    { name: "a value, and a cut", inputs: [wave([3, 3]), i64([0, -1, 2, 0]), tensor("f32", [7], [])], constants: [1, 2] },
    { name: "given axes", inputs: [wave([2, 3]), i64([1, 1]), f32([0.5]), i64([-1])], constants: [1, 2, 3] },
  ],
});
