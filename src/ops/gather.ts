import { GatherField } from "../../assembly/shared/indexing.ts";
import { Op } from "../../assembly/shared/plan.ts";
import { aroundAxis, DTYPES, elementCount, i64, normalizeAxis, type Tensor, tensor, withShape, wrapIndex } from "../tensor/index.ts";
import { attr, defineOp, wave } from "./define.ts";
import { requireIntegers } from "./inputs.ts";
import { defineMover } from "./mover.ts";

const indicesOf = (indices: Tensor, n: number): number[] => Array.from(indices.data, (index) => wrapIndex(index, n));

/** Where runs of neighbours begin among indices. */
const runsOf = (picks: readonly number[]): number[] => picks.flatMap((pick, i) => (i > 0 && pick === picks[i - 1] + 1 ? [] : [i]));

/** Constant indices of at most this many runs are copied run by run. */
const COPIED_RUNS = 8;

const copied = defineMover({
  attrs: { axis: attr.int(0) },
  arity: [2, 2],
  infer: ({ node, inputs: [x, indices] }) => {
    const { shape } = x!;
    requireIntegers(indices!, "indices");
    if (shape.length === 0) throw new RangeError("a scalar has nothing to gather from");
    const axis = normalizeAxis(node.attrs.axis as number, shape.length);
    return [withShape(x!, [...shape.slice(0, axis), ...indices!.shape, ...shape.slice(axis + 1)])];
  },
  moves: ({ node, inputs: [x], constant }) => {
    const { outer, n, inner } = aroundAxis(x!.shape, normalizeAxis(node.attrs.axis as number, x!.shape.length));
    const picks = indicesOf(constant(1)!, n);
    const starts = runsOf(picks);
    return starts.map((start, run) => ({
      input: 0,
      output: 0,
      dims: [outer, ((starts[run + 1] ?? picks.length) - start) * inner],
      src: picks[start] * inner,
      srcStrides: [n * inner, 1],
      dst: start * inner,
      dstStrides: [picks.length * inner, 1],
    }));
  },
  cases: [],
});

/** Slices along `axis` picked by indices: few runs of known ones are copies, others a record that reads them as the model runs. */
export const Gather = defineOp({
  ...copied,
  bound: ({ node, inputs: [x, indices], index, bound }) => {
    const axis = normalizeAxis(node.attrs.axis as number, x!.shape.length);
    if (index === 1) return bound.zeros ? { axis: axis + bound.axis, zeros: false } : undefined;
    if (bound.axis === axis) return undefined;
    return bound.axis < axis ? bound : { ...bound, axis: bound.axis + indices!.shape.length - 1 };
  },
  permute: (node, perm, { inputs: [, indices], constant }) => {
    const axis = normalizeAxis(node.attrs.axis as number, perm.length);
    const picked = (constant?.(1) ?? indices!).shape.map((_, i) => axis + i);
    const out = perm.flatMap((a) => (a === axis ? picked : [a < axis ? a : a + picked.length - 1]));
    return { attrs: { ...node.attrs, axis: perm.indexOf(axis) }, inputs: "first", perm: out };
  },
  quantize: { kind: "same" },
  lower: (ctx) => {
    const [x, indices] = ctx.node.inputs;
    const type = ctx.type(x);
    const { outer, n, inner } = aroundAxis(type.shape, normalizeAxis(ctx.node.attrs.axis as number, type.shape.length));
    const known = ctx.constant(indices);
    if (known && runsOf(indicesOf(known, n)).length <= COPIED_RUNS) return copied.lower!(ctx);
    ctx.emit(Op.gather, {
      [GatherField.size]: DTYPES[type.dtype].bytes,
      [GatherField.outer]: outer,
      [GatherField.n]: n,
      [GatherField.inner]: inner,
      [GatherField.count]: elementCount(ctx.type(indices).shape),
      [GatherField.a]: ctx.place(x),
      [GatherField.indices]: ctx.place(indices),
      [GatherField.c]: ctx.place(ctx.node.outputs[0]),
    });
  },
  cases: [
    { name: "a scalar index", inputs: [wave([3, 4]), tensor("i64", [-1], [])], attrs: { axis: 1 }, constants: [1] },
    { name: "rows in any order", inputs: [wave([5, 3]), i64([4, 0, 1, 2, 0, -2], [2, 3])], constants: [1] },
    { name: "many known rows", inputs: [wave([9, 3]), i64([8, 6, 4, 2, 0, 7, 5, 3, 1, -9])], constants: [1] },
    { name: "rows of a table", inputs: [wave([5, 3]), i64([4, -5, 1], [1, 3])], constants: [0] },
    { name: "single elements", inputs: [wave([2, 4, 1]), i64([3, 0, -1])], attrs: { axis: 1 } },
    { name: "bytes", inputs: [tensor("bool", [1, 0, 1, 1], [2, 2]), tensor("i32", [1, 1], [2])], attrs: { axis: -1 } },
  ],
});
