import { i64, stridesOf, withShape } from "../tensor/index.ts";
import { wave } from "./define.ts";
import { constantInts, optionalInts, uniqueAxes } from "./inputs.ts";
import { defineMover, type MoveContext, wholeMove } from "./mover.ts";
import { attrsToInputs } from "./upgrade.ts";

interface Range {
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

/** What is taken along each axis: the constant inputs starts, ends, axes and steps, clamped as ONNX says. */
function rangesOf(ctx: Pick<MoveContext, "inputs" | "constant">): Range[] {
  const { shape } = ctx.inputs[0]!;
  const starts = constantInts(ctx, 1, "starts");
  const ends = constantInts(ctx, 2, "ends");
  const axes = uniqueAxes(optionalInts(ctx, 3, "axes") ?? starts.map((_, i) => i), shape.length);
  const steps = optionalInts(ctx, 4, "steps") ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    throw new RangeError("starts, ends, axes and steps differ in length");
  const ranges: Range[] = shape.map((length) => ({ start: 0, step: 1, length }));
  axes.forEach((axis, i) => {
    const n = shape[axis];
    const step = steps[i];
    if (step === 0) throw new RangeError("a step is 0");
    const [lo, hi] = step > 0 ? [0, n] : [-1, n - 1];
    const clamp = (v: number, low: number) => Math.min(Math.max(v < 0 ? v + n : v, low), hi);
    const start = clamp(starts[i], Math.max(lo, 0));
    const length = Math.max(0, Math.ceil((clamp(ends[i], lo) - start) / step));
    ranges[axis] = { start, step, length };
  });
  return ranges;
}

export const Slice = defineMover({
  attrs: {},
  arity: [3, 5],
  infer: (ctx) => {
    const shape = rangesOf(ctx).map((r) => r.length);
    return [withShape(ctx.inputs[0]!, shape)];
  },
  moves: (ctx) => {
    const strides = stridesOf(ctx.inputs[0]!.shape);
    const ranges = rangesOf(ctx);
    return [
      wholeMove(
        ctx.outputs[0],
        ranges.map((r, i) => r.step * strides[i]),
        ranges.reduce((at, r, i) => at + r.start * strides[i], 0),
      ),
    ];
  },
  upgrade: (node, ctx) => [attrsToInputs(node, ctx, ["starts", "ends", "axes"])],
  permute: (node, perm, { inputs, constant }) => {
    const axes = constant?.(3);
    if (!axes || !inputs[0]) return undefined;
    const rank = inputs[0].shape.length;
    const moved = Array.from(axes.data, (axis) => perm.indexOf(axis < 0 ? axis + rank : axis));
    return { attrs: node.attrs, inputs: "first", constants: new Map([[3, i64(moved)]]), perm };
  },
  bound: (ctx) => {
    const { axis } = ctx.bound;
    const { start, step, length } = rangesOf(ctx)[axis];
    return start === 0 && step === 1 && length === ctx.inputs[0]!.shape[axis] ? ctx.bound : undefined;
  },
  quantize: { kind: "same" },
  cases: [
    { name: "a window", inputs: [wave([4, 5]), i64([1, 0]), i64([3, 4])], constants: [1, 2] },
    { name: "to the end", inputs: [wave([4, 5]), i64([-2]), i64([2 ** 53]), i64([1])], constants: [1, 2, 3] },
    { name: "backwards", inputs: [wave([4, 5]), i64([-1]), i64([-(2 ** 53)]), i64([1]), i64([-2])], constants: [1, 2, 3, 4] },
    { name: "strided", inputs: [wave([3, 8]), i64([1]), i64([8]), i64([-1]), i64([3])], constants: [1, 2, 3, 4] },
  ],
});
