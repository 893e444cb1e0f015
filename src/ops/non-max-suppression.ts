import { NonMaxSuppressionField } from "../../assembly/shared/indexing.ts";
import { Op } from "../../assembly/shared/plan.ts";
import { f32, i64, type Tensor, tensor } from "../tensor/index.ts";
import { attr, defineOp, type InferContext } from "./define.ts";

interface Sizes {
  readonly batch: number;
  readonly classes: number;
  readonly n: number;
}

function sizesOf({ inputs: [boxes, scores] }: Pick<InferContext, "inputs">): Sizes {
  const [batch, n, corners] = boxes!.shape;
  const [scored, classes, each] = scores!.shape;
  if (boxes!.shape.length !== 3 || scores!.shape.length !== 3 || corners !== 4 || scored !== batch || each !== n)
    throw new RangeError(`boxes [${boxes!.shape}] and scores [${scores!.shape}] do not fit [batch, n, 4] and [batch, classes, n]`);
  return { batch, classes, n };
}

/** The most boxes that a class can keep. */
function mostOf({ inputs, constant }: Pick<InferContext, "inputs" | "constant">, n: number): number {
  if (!inputs[2]) return 0;
  return Math.max(0, Math.min(n, constant(2)?.data[0] ?? n));
}

/** Of each axis a box's start, end and extent, all in f32 as the kernel has them. */
function sides(box: ArrayLike<number>, center: boolean) {
  return [0, 1].map((k) => {
    const [p, q] = [box[k], box[k + 2]];
    const half = Math.fround(q / 2);
    const [start, end] = center ? [Math.fround(p - half), Math.fround(p + half)] : [Math.min(p, q), Math.max(p, q)];
    return { start, end, extent: Math.fround(end - start) };
  });
}

function iou(p: ArrayLike<number>, q: ArrayLike<number>, center: boolean): number {
  const [a, b] = [sides(p, center), sides(q, center)];
  const area = (x: readonly number[]): number => Math.fround(x[0] * x[1]);
  const both = area(a.map((s, k) => Math.max(0, Math.fround(Math.min(s.end, b[k].end) - Math.max(s.start, b[k].start)))));
  const all = Math.fround(Math.fround(area(a.map((s) => s.extent)) + area(b.map((s) => s.extent))) - both);
  return both > 0 && all > 0 ? Math.fround(both / all) : 0;
}

/**
 * Greedy suppression: of each class, best score first, boxes that overlap none chosen before by an IoU above the threshold.
 * Gives rows of batch, class and box.
 */
export const NonMaxSuppression = defineOp({
  attrs: { center_point_box: attr.int(0) },
  arity: [2, 5],
  tolerance: "exact",
  infer: (ctx) => {
    const { batch, classes, n } = sizesOf(ctx);
    return [{ dtype: "i64", shape: [batch * classes * mostOf(ctx, n), 3], bound: { axis: 0, zeros: true } }];
  },
  eval: ({ node, inputs }): Tensor[] => {
    const { batch, classes, n } = sizesOf({ inputs });
    const most = mostOf({ inputs, constant: (i) => inputs[i] }, n);
    const [boxes, scores, , threshold, least] = inputs;
    const chosen: number[][] = [];
    for (let b = 0; b < batch; b++) {
      for (let c = 0; c < classes; c++) {
        const box = (j: number) => boxes!.data.subarray((b * n + j) * 4, (b * n + j + 1) * 4);
        const score = (j: number): number => scores!.data[(b * classes + c) * n + j];
        const kept: number[] = [];
        for (const j of Array.from({ length: n }, (_, i) => i).sort((p, q) => score(q) - score(p) || p - q)) {
          if (kept.length >= most || (least && !(score(j) > least.data[0]))) continue;
          if (kept.every((k) => !(iou(box(k), box(j), node.attrs.center_point_box === 1) > (threshold?.data[0] ?? 0)))) kept.push(j);
        }
        chosen.push(...kept.map((j) => [b, c, j]));
      }
    }
    return [tensor("i64", chosen.flat(), [chosen.length, 3])];
  },
  lower: (ctx) => {
    const { attrs, inputs, outputs } = ctx.node;
    const types = inputs.map((input) => (input ? ctx.type(input) : undefined));
    const { batch, classes, n } = sizesOf({ inputs: types });
    const [bound] = ctx.type(outputs[0]).shape;
    const length = ctx.scratch(4);
    const given = (index: number) => (inputs[index] ? ctx.place(inputs[index]) : 0);
    ctx.emit(Op.non_max_suppression, {
      [NonMaxSuppressionField.batch]: batch,
      [NonMaxSuppressionField.classes]: classes,
      [NonMaxSuppressionField.n]: n,
      [NonMaxSuppressionField.center]: attrs.center_point_box as number,
      [NonMaxSuppressionField.bound]: bound,
      [NonMaxSuppressionField.boxes]: ctx.place(inputs[0]),
      [NonMaxSuppressionField.scores]: ctx.place(inputs[1]),
      [NonMaxSuppressionField.most]: given(2) || ctx.image(Int32Array.of(0)),
      [NonMaxSuppressionField.iou]: given(3) || ctx.image(Float32Array.of(0)),
      [NonMaxSuppressionField.score]: given(4),
      [NonMaxSuppressionField.c]: ctx.place(outputs[0]),
      [NonMaxSuppressionField.length]: length,
      [NonMaxSuppressionField.scratch]: ctx.scratch(4 * n),
    });
    ctx.measured(outputs[0], length);
  },
  cases: [
    {
      name: "two classes, thresholds known",
      inputs: [boxes(12), scores([1, 2, 12]), i64([3]), f32([0.4]), f32([-0.2])],
      constants: [2, 3, 4],
    },
    { name: "two batches, everything given", inputs: [boxes(16, 2), scores([2, 1, 8]), i64([5]), f32([0.1]), f32([0.3])] },
    {
      name: "middles and extents, no score asked",
      inputs: [boxes(9), scores([1, 1, 9]), i64([9]), f32([0.2])],
      attrs: { center_point_box: 1 },
    },
    { name: "nothing wanted", inputs: [boxes(3), scores([1, 1, 3])] },
  ],
});

/** Boxes of about half the unit square, corner pairs in both orders. */
function boxes(count: number, batch = 1): Tensor {
  const data = Array.from({ length: count * 4 }, (_, i) => Math.abs(Math.sin(i * 1.7)) + (i % 4 > 1 ? 0.5 : 0));
  return f32(data, [batch, count / batch, 4]);
}

function scores(shape: readonly number[]): Tensor {
  return f32(
    Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => Math.sin(i * 2.3)),
    shape,
  );
}
