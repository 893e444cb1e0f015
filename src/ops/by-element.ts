/** Operators with an index for each element: along one axis, at the element's own place along the others. */
import { ElementsField, Reduction } from "../../assembly/shared/indexing.ts";
import { Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import {
  DTYPES,
  elementCount,
  i64,
  normalizeAxis,
  type Shape,
  stridesOf,
  type Tensor,
  type TensorType,
  wrapIndex,
} from "../tensor/index.ts";
import { attr, defineOp, type OpDef, wave } from "./define.ts";
import { requireIntegers } from "./inputs.ts";
import { ELEMENTS, type Lowering, type Place } from "./lowering.ts";
import { coalesce, emitMove } from "./mover.ts";
import { reducer, reductionOf } from "./scatter-reduction.ts";

/** Over the indices: where in `data` an index of 0 would point. */
interface Walk {
  readonly dims: Shape;
  readonly strides: readonly number[];
  readonly n: number;
  readonly stride: number;
}

function walkOf(node: Node, data: TensorType, indices: TensorType): Walk {
  requireIntegers(indices, "indices");
  const rank = data.shape.length;
  const axis = normalizeAxis(node.attrs.axis as number, rank);
  if (rank === 0 || indices.shape.length !== rank || indices.shape.some((d, i) => i !== axis && d > data.shape[i]))
    throw new RangeError(`indices [${indices.shape}] do not fit data [${data.shape}] along axis ${axis}`);
  const strides = stridesOf(data.shape);
  return { dims: indices.shape, strides: strides.with(axis, 0), n: data.shape[axis], stride: strides[axis] };
}

/** The place in the data that each index names, in order. */
function* placesOf({ dims, strides, n, stride }: Walk, indices: Tensor): Generator<number> {
  for (let i = 0; i < indices.data.length; i++) {
    let at = wrapIndex(indices.data[i], n) * stride;
    for (let k = dims.length - 1, rest = i; k >= 0; k--) {
      at += (rest % dims[k]) * strides[k];
      rest = Math.floor(rest / dims[k]);
    }
    yield at;
  }
}

const RANK = 6;

function emitWalk(ctx: Lowering, op: Op.gather_elements | Op.scatter_elements, data: Place, values: string, reduction: Reduction): void {
  const [x, indices] = ctx.node.inputs;
  const walk = walkOf(ctx.node, ctx.type(x), ctx.type(indices));
  if (elementCount(walk.dims) === 0) return;
  const dense = { input: 0, output: 0, src: 0, dst: 0, dims: walk.dims, srcStrides: walk.strides, dstStrides: stridesOf(walk.dims) };
  const { dims, srcStrides } = coalesce(dense);
  if (dims.length > RANK) throw new RangeError(`indices over ${dims.length} axes; the kernels take ${RANK}`);
  const d = (k: number): number => dims[k - RANK + dims.length] ?? 1;
  const s = (k: number): number => srcStrides[k - RANK + dims.length] ?? 0;
  ctx.emit(op, {
    [ElementsField.element]: ELEMENTS[ctx.type(x).dtype],
    [ElementsField.reduction]: reduction,
    [ElementsField.d0]: d(0),
    [ElementsField.d1]: d(1),
    [ElementsField.d2]: d(2),
    [ElementsField.d3]: d(3),
    [ElementsField.d4]: d(4),
    [ElementsField.d5]: d(5),
    [ElementsField.s0]: s(0),
    [ElementsField.s1]: s(1),
    [ElementsField.s2]: s(2),
    [ElementsField.s3]: s(3),
    [ElementsField.s4]: s(4),
    [ElementsField.s5]: s(5),
    [ElementsField.n]: walk.n,
    [ElementsField.stride]: walk.stride,
    [ElementsField.data]: data,
    [ElementsField.indices]: ctx.place(indices),
    [ElementsField.values]: ctx.place(values),
  });
}

/** `output[…] = data[…]` with the place along `axis` from the index there. */
export const GatherElements = defineOp({
  attrs: { axis: attr.int(0) },
  arity: [2, 2],
  tolerance: "exact",
  infer: ({ node, inputs: [x, indices] }) => {
    walkOf(node, x!, indices!);
    return [{ ...x!, shape: indices!.shape }];
  },
  eval: ({ node, inputs: [x, indices] }) => {
    const places = [...placesOf(walkOf(node, x!, indices!), indices!)];
    return [{ ...x!, shape: indices!.shape, data: DTYPES[x!.dtype].array.from(places.map((at) => x!.data[at])) }];
  },
  quantize: { kind: "same" },
  lower: (ctx) => emitWalk(ctx, Op.gather_elements, ctx.place(ctx.node.inputs[0]), ctx.node.outputs[0], Reduction.none),
  cases: [
    { name: "along rows", inputs: [wave([2, 3]), i64([0, 2, 1, -1], [2, 2])], attrs: { axis: 1 } },
    { name: "fewer planes", inputs: [wave([3, 4, 2]), i64([2, 0, 1, 1, 0, 2, -3, -1], [2, 2, 2])] },
  ],
});

/** A copy of the data in which the elements that indices name are replaced by updates, or combined with them. */
export const ScatterElements = defineOp({
  attrs: { axis: attr.int(0), reduction: attr.string("none") },
  arity: [3, 3],
  tolerance: "exact",
  infer: ({ node, inputs: [x, indices, updates] }) => {
    walkOf(node, x!, indices!);
    reductionOf(node, x!, updates!);
    if (String(indices!.shape) !== String(updates!.shape))
      throw new RangeError(`[${updates!.shape}] updates for [${indices!.shape}] indices`);
    return [x!];
  },
  eval: ({ node, inputs: [x, indices, updates] }) => {
    const out = { ...x!, data: x!.data.slice() };
    const combine = reducer(node);
    let i = 0;
    for (const at of placesOf(walkOf(node, x!, indices!), indices!)) out.data[at] = combine(out.data[at], updates!.data[i++]);
    return [out];
  },
  lower: (ctx) => {
    const [x, , updates] = ctx.node.inputs;
    emitCopy(ctx);
    emitWalk(ctx, Op.scatter_elements, ctx.place(ctx.node.outputs[0]), updates, reductionOf(ctx.node, ctx.type(x), ctx.type(updates)));
  },
  cases: [
    { name: "one row", inputs: [wave([1, 5]), i64([1, -2], [1, 2]), wave([1, 2], 3)], attrs: { axis: 1 } },
    ...["add", "mul", "min", "max"].map((reduction) => ({
      name: `${reduction}, an index twice`,
      inputs: [wave([3, 2]), i64([2, 0, 2, 1], [2, 2]), wave([2, 2], 3)],
      attrs: { reduction },
    })),
    { name: "integers", inputs: [i64([5, 6, 7]), i64([0, 0]), i64([-3, 4])], attrs: { reduction: "add" } },
  ],
});

/** ScatterElements by its older name. */
export const Scatter: OpDef = {
  ...ScatterElements,
  upgrade: (node) => [{ ...node, op: "ScatterElements" }],
  cases: ScatterElements.cases.slice(0, 1),
};

/** The first input, whole, as the output. */
export function emitCopy(ctx: Lowering): void {
  const [x] = ctx.node.inputs;
  const { shape, dtype } = ctx.type(x);
  const n = elementCount(shape);
  const move = { input: 0, output: 0, dims: [n], src: 0, srcStrides: [1], dst: 0, dstStrides: [1] };
  if (n > 0) emitMove(ctx, move, ctx.place(x), ctx.place(ctx.node.outputs[0]), DTYPES[dtype].bytes);
}
