/** Operators whose indices are points: the last axis of the indices has coordinates along the leading axes of the data. */
import { PointsField, Reduction } from "../../assembly/shared/indexing.ts";
import { Op } from "../../assembly/shared/plan.ts";
import {
  elementCount,
  i64,
  type Shape,
  type Tensor,
  type TensorType,
  tensor,
  typeOf,
  withShape,
  wrapIndex,
  zeros,
} from "../tensor/index.ts";
import { emitCopy } from "./by-element.ts";
import { attr, defineOp, wave } from "./define.ts";
import { requireIntegers } from "./inputs.ts";
import { ELEMENTS, type Lowering, type Place } from "./lowering.ts";
import { reducer, reductionOf } from "./scatter-reduction.ts";

/** `data` as [batch, …dims, inner] and `indices` as [batch, count, dims.length]. */
interface Points {
  readonly batch: number;
  readonly count: number;
  readonly dims: Shape;
  readonly inner: number;
  /** Of the picked values: [batch, count, inner]. */
  readonly shape: Shape;
}

function pointsOf(data: TensorType, indices: TensorType, batchDims: number): Points {
  requireIntegers(indices, "indices");
  const depth = indices.shape.at(-1);
  const leading = indices.shape.slice(0, batchDims);
  if (depth === undefined || batchDims >= indices.shape.length || batchDims + depth > data.shape.length)
    throw new RangeError(`indices [${indices.shape}] do not fit data [${data.shape}]`);
  if (leading.some((d, i) => d !== data.shape[i])) throw new RangeError(`batches [${leading}] of indices do not fit data [${data.shape}]`);
  const rest = data.shape.slice(batchDims + depth);
  return {
    batch: elementCount(leading),
    count: elementCount(indices.shape.slice(batchDims, -1)),
    dims: data.shape.slice(batchDims, batchDims + depth),
    inner: elementCount(rest),
    shape: [...indices.shape.slice(0, -1), ...rest],
  };
}

/** The first element of each slice that is named, in order. */
function* placesOf({ batch, count, dims, inner }: Points, { data }: Tensor): Generator<number> {
  let i = 0;
  for (let b = 0; b < batch; b++) {
    for (let j = 0; j < count; j++) {
      let at = b;
      for (const n of dims) at = at * n + wrapIndex(data[i++], n);
      yield at * inner;
    }
  }
}

const DEPTH = 6;

function emitPoints(
  ctx: Lowering,
  op: Op.gather_nd | Op.scatter_nd,
  points: Points,
  data: Place,
  values: string,
  reduction: Reduction,
): void {
  const [x, indices] = ctx.node.inputs;
  const { batch, count, dims, inner } = points;
  if (dims.length > DEPTH) throw new RangeError(`points of ${dims.length} coordinates; the kernels take ${DEPTH}`);
  if (elementCount(points.shape) === 0) return;
  ctx.emit(op, {
    [PointsField.element]: ELEMENTS[ctx.type(x).dtype],
    [PointsField.reduction]: reduction,
    [PointsField.batch]: batch,
    [PointsField.count]: count,
    [PointsField.depth]: dims.length,
    [PointsField.n0]: dims[0] ?? 1,
    [PointsField.n1]: dims[1] ?? 1,
    [PointsField.n2]: dims[2] ?? 1,
    [PointsField.n3]: dims[3] ?? 1,
    [PointsField.n4]: dims[4] ?? 1,
    [PointsField.n5]: dims[5] ?? 1,
    [PointsField.inner]: inner,
    [PointsField.data]: data,
    [PointsField.indices]: ctx.place(indices),
    [PointsField.values]: ctx.place(values),
  });
}

export const GatherND = defineOp({
  attrs: { batch_dims: attr.int(0) },
  arity: [2, 2],
  tolerance: "exact",
  infer: ({ node, inputs: [x, indices] }) => [withShape(x!, pointsOf(x!, indices!, node.attrs.batch_dims as number).shape)],
  eval: ({ node, inputs: [x, indices] }) => {
    const points = pointsOf(x!, indices!, node.attrs.batch_dims as number);
    const out = zeros(withShape(x!, points.shape));
    let i = 0;
    for (const at of placesOf(points, indices!)) for (let k = 0; k < points.inner; k++) out.data[i++] = x!.data[at + k];
    return [out];
  },
  bound: ({ inputs: [, indices], index, bound }) =>
    index === 1 && bound.zeros && bound.axis < indices!.shape.length - 1 ? { axis: bound.axis, zeros: false } : undefined,
  quantize: { kind: "same" },
  lower: (ctx) => {
    const [x, indices] = ctx.node.inputs;
    const points = pointsOf(ctx.type(x), ctx.type(indices), ctx.node.attrs.batch_dims as number);
    emitPoints(ctx, Op.gather_nd, points, ctx.place(x), ctx.node.outputs[0], Reduction.none);
  },
  cases: [
    { name: "elements", inputs: [wave([2, 3]), i64([0, 0, 1, -1], [2, 2])] },
    { name: "rows", inputs: [wave([2, 3, 2]), i64([1, 2, 0, 1], [2, 1, 2])], constants: [1] },
    { name: "in batches", inputs: [wave([2, 3, 2]), i64([1, -3], [2, 1])], attrs: { batch_dims: 1 } },
  ],
});

export const ScatterND = defineOp({
  attrs: { reduction: attr.string("none") },
  arity: [3, 3],
  tolerance: "exact",
  infer: ({ node, inputs: [x, indices, updates] }) => {
    const { shape } = pointsOf(x!, indices!, 0);
    reductionOf(node, x!, updates!);
    if (String(shape) !== String(updates!.shape)) throw new RangeError(`updates are [${updates!.shape}], not [${shape}]`);
    return [typeOf(x!)];
  },
  eval: ({ node, inputs: [x, indices, updates] }) => {
    const points = pointsOf(x!, indices!, 0);
    const out = { ...x!, data: x!.data.slice() };
    const combine = reducer(node);
    let i = 0;
    for (const at of placesOf(points, indices!))
      for (let k = 0; k < points.inner; k++) out.data[at + k] = combine(out.data[at + k], updates!.data[i++]);
    return [out];
  },
  lower: (ctx) => {
    const [x, indices, updates] = ctx.node.inputs;
    const reduction = reductionOf(ctx.node, ctx.type(x), ctx.type(updates));
    emitCopy(ctx);
    emitPoints(ctx, Op.scatter_nd, pointsOf(ctx.type(x), ctx.type(indices), 0), ctx.place(ctx.node.outputs[0]), updates, reduction);
  },
  cases: [
    { name: "elements", inputs: [wave([8]), i64([4, 3, 1, -1], [4, 1]), wave([4], 2)] },
    ...["none", "add", "mul", "min", "max"].map((reduction) => ({
      name: `rows, ${reduction}`,
      inputs: [wave([3, 2, 2]), i64([2, 0, 2], [3, 1]), wave([3, 2, 2], 2)],
      attrs: { reduction },
    })),
    {
      name: "bytes",
      inputs: [tensor("u8", [1, 2, 3, 250]), i64([3], [1, 1]), tensor("u8", [10], [1])],
      attrs: { reduction: "add" },
    },
  ],
});
