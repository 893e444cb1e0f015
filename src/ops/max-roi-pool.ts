import { Op } from "../../assembly/shared/plan.ts";
import { RoiPoolField } from "../../assembly/shared/sampling.ts";
import type { Node } from "../graph/graph.ts";
import { clamp, elementCount, f32, type TensorType, zeros } from "../tensor/index.ts";
import { attr, defineOp, wave } from "./define.ts";
import { f32Bits } from "./lowering.ts";

interface Regions {
  readonly batch: number;
  readonly channels: number;
  readonly in: readonly [height: number, width: number];
  readonly count: number;
  readonly out: readonly [height: number, width: number];
  readonly scale: number;
}

function regionsOf(node: Node, x: TensorType, rois: TensorType): Regions {
  const out = node.attrs.pooled_shape as readonly number[];
  if (x.shape.length !== 4 || rois.shape.length !== 2 || rois.shape[1] !== 5)
    throw new RangeError(`images [${x.shape}] and regions [${rois.shape}] must be [batch, channels, height, width] and [regions, 5]`);
  if (x.dtype !== "f32" || rois.dtype !== "f32") throw new RangeError(`takes f32, not ${x.dtype} and ${rois.dtype}`);
  if (out.length !== 2 || out.some((d) => d < 1)) throw new RangeError(`pooled_shape [${out}] must be two positive numbers`);
  const [batch, channels, height, width] = x.shape;
  return {
    batch,
    channels,
    in: [height, width],
    count: rois.shape[0],
    out: [out[0], out[1]],
    scale: Math.fround(node.attrs.spatial_scale as number),
  };
}

/** Half away from zero, as C's round. */
const round = (v: number): number => Math.sign(v) * Math.floor(Math.abs(v) + 0.5);

/** The elements of an axis of `size` that cell `i` of `cells` takes of the region from `first` to `last`; arithmetic is that of f32. */
function cellOf(first: number, last: number, i: number, cells: number, size: number): readonly [from: number, to: number] {
  const bin = Math.fround(Math.max(last - first + 1, 1) / cells);
  const from = Math.floor(Math.fround(i * bin)) + first;
  const to = Math.ceil(Math.fround((i + 1) * bin)) + first;
  return [clamp(from, 0, size), clamp(to, 0, size)];
}

/**
 * Regions of images, each as cells that hold their largest element (Fast R-CNN, Girshick 2015); a cell that lies outside holds 0. A region is its image's
 * number, and x1, y1, x2, y2. Image numbers outside the batch are moved into it.
 */
export const MaxRoiPool = defineOp({
  attrs: { pooled_shape: attr.required(attr.ints()), spatial_scale: attr.float(1) },
  arity: [2, 2],
  tolerance: "exact",
  infer: ({ node, inputs: [x, rois] }) => {
    const { count, channels, out } = regionsOf(node, x!, rois!);
    return [{ dtype: "f32", shape: [count, channels, ...out] }];
  },
  eval: ({ node, inputs: [x, rois] }) => {
    const { batch, channels, in: size, count, out, scale } = regionsOf(node, x!, rois!);
    const y = zeros({ dtype: "f32", shape: [count, channels, ...out] });
    let at = 0;
    for (let k = 0; k < count; k++) {
      const [image, x1, y1, x2, y2] = Array.from(rois!.data.subarray(5 * k, 5 * k + 5), (v, i) => (i ? round(Math.fround(v * scale)) : v));
      for (let c = 0; c < channels; c++) {
        const plane = (clamp(Math.trunc(image), 0, batch - 1) * channels + c) * elementCount(size);
        for (let i = 0; i < out[0]; i++) {
          const [top, bottom] = cellOf(y1, y2, i, out[0], size[0]);
          for (let j = 0; j < out[1]; j++) {
            const [left, right] = cellOf(x1, x2, j, out[1], size[1]);
            let largest = Number.NEGATIVE_INFINITY;
            for (let row = top; row < bottom; row++)
              for (let column = left; column < right; column++) largest = Math.max(largest, x!.data[plane + row * size[1] + column]);
            y.data[at++] = bottom > top && right > left ? largest : 0;
          }
        }
      }
    }
    return [y];
  },
  lower: (ctx) => {
    const { node } = ctx;
    const [x, rois] = node.inputs;
    const { batch, channels, in: size, count, out, scale } = regionsOf(node, ctx.type(x), ctx.type(rois));
    ctx.emit(Op.roi_pool, {
      [RoiPoolField.batch]: batch,
      [RoiPoolField.channels]: channels,
      [RoiPoolField.in_h]: size[0],
      [RoiPoolField.in_w]: size[1],
      [RoiPoolField.out_h]: out[0],
      [RoiPoolField.out_w]: out[1],
      [RoiPoolField.count]: count,
      [RoiPoolField.a]: ctx.place(x),
      [RoiPoolField.rois]: ctx.place(rois),
      [RoiPoolField.c]: ctx.place(node.outputs[0]),
      [RoiPoolField.scale]: f32Bits(scale),
    });
  },
  cases: [
    {
      name: "regions inside and outside",
      inputs: [wave([2, 3, 7, 9]), f32([0, 0, 0, 8, 6, 1, 1.5, 2.25, 4, 5.5, 1, -3, 1, 12, 2, 0, 3, 3, 3, 3, 0, 20, 20, 30, 30], [5, 5])],
      attrs: { pooled_shape: [3, 2] },
    },
    { name: "scaled", inputs: [wave([1, 2, 6, 6]), f32([0, 1, 3, 11, 9], [1, 5])], attrs: { pooled_shape: [2, 2], spatial_scale: 0.5 } },
  ],
});
