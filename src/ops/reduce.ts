import { Op, Reduce, ReduceField } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { elementCount, i64, normalizeAxis, type Shape, stridesOf, type Tensor, type TensorType, tensor, zeros } from "../tensor/index.ts";
import { asReals } from "./as-reals.ts";
import { attr, type Decomposition, defineOp, type OpDef, wave } from "./define.ts";
import { f32Bits, type Lowering } from "./lowering.ts";
import { average, averageScale } from "./pool.ts";

interface ReduceRow {
  /** The kernel; absent where the operator is taken apart. */
  readonly kind?: Reduce;
  readonly start: number;
  readonly step: (sum: number, x: number) => number;
  readonly finish?: (sum: number) => number;
  readonly tolerance: "exact" | number;
  readonly decompose?: (parts: Decomposition) => void;
}

const sum = { start: 0, step: (s: number, x: number) => s + x };

/** log(eˢ + eˣ) without overflow. */
const logAddExp = (s: number, x: number): number => (s === x ? s + Math.LN2 : Math.max(s, x) + Math.log1p(Math.exp(-Math.abs(s - x))));

const ROWS = {
  ReduceMean: { ...sum, kind: Reduce.mean, tolerance: 1e-6 },
  ReduceSum: { ...sum, kind: Reduce.sum, tolerance: 1e-6 },
  ReduceMax: { kind: Reduce.max, start: Number.NEGATIVE_INFINITY, step: Math.max, tolerance: "exact" },
  ReduceMin: { kind: Reduce.min, start: Number.POSITIVE_INFINITY, step: Math.min, tolerance: "exact" },
  ReduceProd: { kind: Reduce.prod, start: 1, step: (s, x) => s * x, tolerance: 1e-6 },
  ReduceL1: { start: 0, step: (s, x) => s + Math.abs(x), tolerance: 1e-6, decompose: (p) => sumOf(p, absolute) },
  ReduceL2: { start: 0, step: (s, x) => s + x * x, finish: Math.sqrt, tolerance: 1e-6, decompose: (p) => sumOf(p, squared, "Sqrt") },
  ReduceSumSquare: { start: 0, step: (s, x) => s + x * x, tolerance: 1e-6, decompose: (p) => sumOf(p, squared) },
  ReduceLogSum: { ...sum, finish: Math.log, tolerance: 2e-6, decompose: (p) => sumOf(p, (_, x) => x, "Log") },
  ReduceLogSumExp: { start: Number.NEGATIVE_INFINITY, step: logAddExp, tolerance: 2e-6, decompose: logSumExp },
} satisfies Record<string, ReduceRow>;

const absolute = (parts: Decomposition, x: string): string => parts.add("Abs", [x]);
const squared = (parts: Decomposition, x: string): string => parts.add("Mul", [x, x]);

/** The sum of a function of each element, and a function of that. */
function sumOf(parts: Decomposition, each: (parts: Decomposition, x: string) => string, after = "Identity"): void {
  const { inputs, attrs, outputs } = parts.node;
  const total = parts.add("ReduceSum", [each(parts, inputs[0]), ...inputs.slice(1)], attrs);
  parts.add(after, [total], {}, outputs);
}

/** Less the largest element, so that nothing overflows; a largest of −∞ stays out of the difference. */
function logSumExp(parts: Decomposition): void {
  const { inputs, attrs, outputs } = parts.node;
  const [x, ...axes] = inputs;
  const largest = parts.add("ReduceMax", [x, ...axes], { ...attrs, keepdims: 1 });
  const limits = [-3e38, 3e38].map((v) => parts.value(tensor("f32", [v], [])));
  const shift = parts.add("Clip", [largest, ...limits]);
  const total = parts.add("ReduceSum", [parts.add("Exp", [parts.add("Sub", [x, shift])]), ...axes], attrs);
  const shape = parts.value(i64(parts.type(total).shape));
  parts.add("Add", [parts.add("Log", [total]), parts.add("Reshape", [shift, shape], { allowzero: 1 })], {}, outputs);
}

/** Axes of a reduction in ascending order; an attribute up to opset 17, an input later, all axes where neither is given. */
export function axesOf(node: Node, x: TensorType, given: Tensor | undefined): number[] {
  if (node.inputs[1] && !given) throw new RangeError("axes that are computed while the model runs are not supported");
  const list = (node.attrs.axes as readonly number[] | undefined) ?? (given && Array.from(given.data)) ?? [];
  if (list.length === 0) return node.attrs.noop_with_empty_axes ? [] : x.shape.map((_, i) => i);
  return [...new Set(list.map((axis) => normalizeAxis(axis, x.shape.length)))].sort((a, b) => a - b);
}

/** What a permutation is of the axes that are left without some; undefined where they stay in order. */
export function permutationWithout(perm: readonly number[], axes: readonly number[]): readonly number[] | undefined {
  const left = perm.filter((axis) => !axes.includes(axis));
  const out = left.map((axis) => left.filter((other) => other < axis).length);
  return out.every((axis, i) => axis === i) ? undefined : out;
}

function reducedShape(shape: Shape, axes: readonly number[], keep: boolean): Shape {
  return shape.flatMap((d, i) => (!axes.includes(i) ? [d] : keep ? [1] : []));
}

function outputType(node: Node, x: TensorType, axes: readonly number[]): TensorType {
  const shape = reducedShape(x.shape, axes, node.attrs.keepdims === 1);
  return node.quant ? { dtype: "i8", shape, quant: node.quant } : { dtype: x.dtype, shape };
}

function reduce(name: string, row: ReduceRow): OpDef {
  const mean = row.kind === Reduce.mean;
  const { kind, finish = (sum: number) => sum } = row;
  return defineOp({
    attrs: { axes: attr.ints(), keepdims: attr.int(1), noop_with_empty_axes: attr.int(0) },
    arity: [1, 2],
    tolerance: row.tolerance,
    infer: ({ node, inputs: [x], constant }) => [outputType(node, x!, axesOf(node, x!, constant(1)))],
    eval({ node, inputs: [x, given] }) {
      const axes = axesOf(node, x!, given);
      const out = zeros(outputType(node, x!, axes));
      const kept = stridesOf(reducedShape(x!.shape, axes, true)).map((s, i) => (axes.includes(i) ? 0 : s));
      const sums = new Float64Array(out.data.length).fill(row.start);
      const zero = node.quant ? x!.quant!.zero : 0;
      for (let i = 0; i < x!.data.length; i++) {
        let at = 0;
        for (let axis = x!.shape.length - 1, rest = i; axis >= 0; axis--) {
          at += (rest % x!.shape[axis]) * kept[axis];
          rest = Math.floor(rest / x!.shape[axis]);
        }
        sums[at] = row.step(sums[at], x!.data[i] - zero);
      }
      const count = elementCount(axes.map((axis) => x!.shape[axis]));
      sums.forEach((sum, i) => {
        out.data[i] = mean ? average(node, x!, sum, count) : finish(sum);
      });
      return [out];
    },
    permute: (node, perm, { inputs: [x] }) => {
      if (node.inputs[1]) return undefined;
      const axes = axesOf(node, x!, undefined);
      const attrs = { ...node.attrs, axes: axes.map((axis) => perm.indexOf(axis)) };
      if (node.attrs.keepdims) return { attrs, inputs: "first", perm };
      return { attrs, inputs: "first", perm: permutationWithout(perm, axes) };
    },
    quantize: mean ? { kind: "rescale" } : undefined,
    decompose: (parts) => (parts.type(parts.node.inputs[0]).dtype === "f32" && row.decompose ? row.decompose(parts) : asReals(parts, 1)),
    ...(kind !== undefined && { lower: (ctx: Lowering) => emitReduce(ctx, kind, ctx.node) }),
    cases: [
      ["last axis", [3, 4, 9], { axes: [-1] }],
      ["spatial, dropped", [2, 4, 4, 11], { axes: [1, 2], keepdims: 0 }],
      ["NCHW spatial", [2, 5, 4, 4], { axes: [2, 3] }],
      ["apart", [3, 4, 5], { axes: [0, 2] }],
      ["everything", [3, 7], { keepdims: 0 }],
      ...(mean ? [] : [["nothing", [2, 0, 3], { axes: [1] }]]),
    ].map(([title, shape, attrs]) => ({
      name: `${name} ${title}`,
      inputs: [wave(shape as number[])],
      attrs: attrs as Node["attrs"],
    })),
  });
}

export const ReduceMean = reduce("ReduceMean", ROWS.ReduceMean);
export const ReduceSum = reduce("ReduceSum", ROWS.ReduceSum);
export const ReduceMax = reduce("ReduceMax", ROWS.ReduceMax);
export const ReduceMin = reduce("ReduceMin", ROWS.ReduceMin);
export const ReduceProd = reduce("ReduceProd", ROWS.ReduceProd);
export const ReduceL1 = reduce("ReduceL1", ROWS.ReduceL1);
export const ReduceL2 = reduce("ReduceL2", ROWS.ReduceL2);
export const ReduceSumSquare = reduce("ReduceSumSquare", ROWS.ReduceSumSquare);
export const ReduceLogSum = reduce("ReduceLogSum", ROWS.ReduceLogSum);
export const ReduceLogSumExp = reduce("ReduceLogSumExp", ROWS.ReduceLogSumExp);

/** Mean over the spatial axes, which stay with size 1. */
export const GlobalAveragePool = defineOp({
  ...ReduceMean,
  attrs: { layout: attr.string("NCHW") },
  arity: [1, 1],
  decompose: undefined,
  infer: (ctx, subgraphs) => ReduceMean.infer({ ...ctx, node: asMean(ctx.node, ctx.inputs[0]!) }, subgraphs),
  eval: (ctx, subgraphs) => ReduceMean.eval({ ...ctx, node: asMean(ctx.node, ctx.inputs[0]!) }, subgraphs),
  permute: (node, perm) =>
    node.attrs.layout === "NCHW" && perm[0] === 0 && perm[1] === 2 && perm.at(-1) === 1
      ? { attrs: { layout: "NHWC" }, inputs: "first", perm }
      : undefined,
  lower: (ctx) => emitReduce(ctx, Reduce.mean, asMean(ctx.node, ctx.type(ctx.node.inputs[0]))),
  cases: [
    { name: "NCHW", inputs: [wave([2, 5, 3, 4])] },
    { name: "NHWC", inputs: [wave([1, 6, 6, 19])], attrs: { layout: "NHWC" } },
  ],
});

/** The largest over the spatial axes, which stay with size 1. */
export const GlobalMaxPool = defineOp({
  ...ReduceMax,
  attrs: {},
  arity: [1, 1],
  infer: (ctx, subgraphs) => ReduceMax.infer({ ...ctx, node: asMean(ctx.node, ctx.inputs[0]!) }, subgraphs),
  eval: (ctx, subgraphs) => ReduceMax.eval({ ...ctx, node: asMean(ctx.node, ctx.inputs[0]!) }, subgraphs),
  permute: undefined,
  decompose: (parts) => {
    const { inputs, outputs } = parts.node;
    parts.add("ReduceMax", inputs, asMean(parts.node, parts.type(inputs[0])).attrs, outputs);
  },
  lower: undefined,
  cases: [
    { name: "two axes", inputs: [wave([2, 5, 3, 4])] },
    { name: "three axes", inputs: [wave([1, 3, 2, 3, 2])] },
  ],
});

/** A node's attributes as a reduction over the spatial axes. */
export function asMean(node: Node, x: TensorType): Node {
  if (x.shape.length < 3) throw new RangeError(`input of rank ${x.shape.length} has no spatial axes`);
  const first = node.attrs.layout === "NHWC" ? 1 : 2;
  return { ...node, attrs: { axes: x.shape.slice(2).map((_, i) => i + first), keepdims: 1 } };
}

/** Whether the axes are one run of neighbours, which is what the kernels reduce; the pass `kernel-axes` sees to it. */
export function isOneRun(axes: readonly number[], shape: Shape): boolean {
  return axes.every((axis, i) => i === 0 || shape.slice(axes[i - 1] + 1, axis).every((d) => d === 1));
}

function emitReduce(ctx: Lowering, kind: Reduce, node: Node): void {
  const [input, given] = node.inputs;
  const x = ctx.type(input);
  if (x.dtype !== "f32" && !node.quant) throw new RangeError(`there is no kernel for ${x.dtype}`);
  const axes = axesOf(node, x, given ? ctx.constant(given) : undefined);
  if (!isOneRun(axes, x.shape)) throw new RangeError(`there is no kernel for axes [${axes}], which are apart`);
  const n = elementCount(axes.map((axis) => x.shape[axis]));
  const inner = elementCount(x.shape.slice((axes.at(-1) ?? -1) + 1));
  const outer = elementCount(x.shape.slice(0, axes[0] ?? 0));
  ctx.emit(node.quant ? Op.qs8_reduce_mean : Op.f32_reduce, {
    [ReduceField.kind]: kind,
    [ReduceField.outer]: outer,
    [ReduceField.n]: n,
    [ReduceField.inner]: inner,
    [ReduceField.a]: ctx.place(input),
    [ReduceField.c]: ctx.place(node.outputs[0]),
    [ReduceField.a_zero]: x.quant?.zero ?? 0,
    [ReduceField.c_zero]: node.quant?.zero ?? 0,
    [ReduceField.scale]: f32Bits(Math.fround(averageScale(node, x) / n)),
  });
}
