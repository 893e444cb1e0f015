import { ReverseSequenceField } from "../../assembly/shared/indexing.ts";
import { Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { DTYPES, elementCount, i64, type TensorType, typeOf, zeros } from "../tensor/index.ts";
import { attr, defineOp, wave } from "./define.ts";
import { requireIntegers } from "./inputs.ts";

/** The first two axes: which are batch and time, and how far apart their places lie in elements. */
function sequencesOf({ attrs }: Node, { shape }: TensorType, lengths: TensorType) {
  const { batch_axis, time_axis } = attrs as Record<string, number>;
  if (shape.length < 2 || ![batch_axis, time_axis].includes(0) || ![batch_axis, time_axis].includes(1))
    throw new RangeError(`batch_axis ${batch_axis} and time_axis ${time_axis} of [${shape}] must be 0 and 1 in either order`);
  requireIntegers(lengths, "sequence lengths");
  const batch = shape[batch_axis];
  if (lengths.shape.length !== 1 || lengths.shape[0] !== batch) throw new RangeError(`[${lengths.shape}] lengths for ${batch} sequences`);
  const inner = elementCount(shape.slice(2));
  const step = (axis: number): number => (axis === 0 ? shape[1] * inner : inner);
  return { batch, n: shape[time_axis], inner, batchStep: step(batch_axis), timeStep: step(time_axis) };
}

/** Each sequence reversed up to its own length. */
export const ReverseSequence = defineOp({
  attrs: { batch_axis: attr.int(1), time_axis: attr.int(0) },
  arity: [2, 2],
  tolerance: "exact",
  infer: ({ node, inputs: [x, lengths] }) => {
    sequencesOf(node, x!, lengths!);
    return [typeOf(x!)];
  },
  eval: ({ node, inputs: [x, lengths] }) => {
    const { batch, n, inner, batchStep, timeStep } = sequencesOf(node, x!, lengths!);
    const out = zeros(typeOf(x!));
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < n; t++) {
        const length = Math.min(n, lengths!.data[b]);
        const from = b * batchStep + (t < length ? length - 1 - t : t) * timeStep;
        out.data.set(x!.data.subarray(from, from + inner), b * batchStep + t * timeStep);
      }
    }
    return [out];
  },
  quantize: { kind: "same" },
  lower: (ctx) => {
    const [x, lengths] = ctx.node.inputs;
    const type = ctx.type(x);
    const { batch, n, inner, batchStep, timeStep } = sequencesOf(ctx.node, type, ctx.type(lengths));
    const { bytes } = DTYPES[type.dtype];
    ctx.emit(Op.reverse_sequence, {
      [ReverseSequenceField.batch]: batch,
      [ReverseSequenceField.n]: n,
      [ReverseSequenceField.bytes]: inner * bytes,
      [ReverseSequenceField.batch_step]: batchStep * bytes,
      [ReverseSequenceField.time_step]: timeStep * bytes,
      [ReverseSequenceField.a]: ctx.place(x),
      [ReverseSequenceField.lengths]: ctx.place(lengths),
      [ReverseSequenceField.c]: ctx.place(ctx.node.outputs[0]),
    });
  },
  cases: [
    { name: "time first", inputs: [wave([4, 3]), i64([4, 1, 3])] },
    { name: "batch first, vectors", inputs: [wave([2, 5, 3]), i64([2, 5])], attrs: { batch_axis: 0, time_axis: 1 } },
  ],
});
