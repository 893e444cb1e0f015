import { Op } from "../../assembly/shared/plan.ts";
import { RoiAlignField } from "../../assembly/shared/sampling.ts";
import type { Node } from "../graph/graph.ts";
import { clamp, f32, i64, type TensorType, zeros } from "../tensor/index.ts";
import { attr, defineOp, wave } from "./define.ts";
import { requireIntegers } from "./inputs.ts";
import { f32Bits, type Lowering } from "./lowering.ts";
import { axisStrides, joinShape, NHWC_FROM_NCHW, splitShape } from "./window.ts";

/** Samples along one axis of a cell, at most: regions far larger than the image end, too. */
const MAX_SAMPLES = 4096;

function geometryOf(node: Node, [x, rois, batches]: readonly (TensorType | undefined)[]) {
  const { batch, channels, spatial } = splitShape(x!.shape, node.attrs.layout);
  const [height, width] = [node.attrs.output_height as number, node.attrs.output_width as number];
  if (spatial.length !== 2) throw new RangeError(`images of ${spatial.length} axes are not supported, only of 2`);
  requireIntegers(batches!, "batch_indices");
  const count = rois!.shape[0];
  if (rois!.shape.length !== 2 || rois!.shape[1] !== 4 || batches!.shape[0] !== count)
    throw new RangeError(`rois [${rois!.shape}] and batch_indices [${batches!.shape}] do not fit each other`);
  if (height < 1 || width < 1) throw new RangeError(`an output of ${height} × ${width} has no cells`);
  const mode = node.attrs.mode as string;
  if (mode !== "avg" && mode !== "max") throw new RangeError(`mode ${mode} is unknown`);
  const transformation = node.attrs.coordinate_transformation_mode as string;
  if (transformation !== "half_pixel" && transformation !== "output_half_pixel")
    throw new RangeError(`coordinate_transformation_mode ${transformation} is unknown`);
  const offset = transformation === "half_pixel" ? 0.5 : 0;
  return { batch, channels, spatial, count, height, width, largest: mode === "max", offset };
}

/** The four elements around a point and their weights; none where it lies more than one element outside. */
function cornersOf(
  y: number,
  x: number,
  [height, width]: readonly number[],
): readonly (readonly [row: number, column: number, weight: number])[] {
  if (!(y >= -1 && y <= height && x >= -1 && x <= width)) return [];
  const [top, left] = [Math.min(Math.floor(Math.max(y, 0)), height - 1), Math.min(Math.floor(Math.max(x, 0)), width - 1)];
  const down = top === height - 1 ? 0 : Math.max(y, 0) - top;
  const along = left === width - 1 ? 0 : Math.max(x, 0) - left;
  const [bottom, right] = [Math.min(top + 1, height - 1), Math.min(left + 1, width - 1)];
  return [
    [top, left, (1 - down) * (1 - along)],
    [top, right, (1 - down) * along],
    [bottom, left, down * (1 - along)],
    [bottom, right, down * along],
  ];
}

/**
 * Regions of images, each as cells whose value is the mean of interpolated samples (Mask R-CNN, He et al. 2017). As in onnxruntime, `max` takes the largest
 * weighted corner of all samples.
 */
export const RoiAlign = defineOp({
  attrs: {
    coordinate_transformation_mode: attr.string("half_pixel"),
    mode: attr.string("avg"),
    output_height: attr.int(1),
    output_width: attr.int(1),
    sampling_ratio: attr.int(0),
    spatial_scale: attr.float(1),
    /** edgepack's own: which order images have. */
    layout: attr.string("NCHW"),
  },
  arity: [3, 3],
  tolerance: 1e-4,
  infer: ({ node, inputs }) => {
    const { count, channels, height, width } = geometryOf(node, inputs);
    return [{ dtype: inputs[0]!.dtype, shape: joinShape(count, channels, [height, width], node.attrs.layout) }];
  },
  eval: ({ node, inputs }) => {
    const [x, rois, batches] = inputs;
    const { batch, channels, spatial, count, height, width, largest, offset } = geometryOf(node, inputs);
    const out = zeros({ dtype: x!.dtype, shape: joinShape(count, channels, [height, width], node.attrs.layout) });
    const from = axisStrides(x!.shape, node.attrs.layout);
    const to = axisStrides(out.shape, node.attrs.layout);
    const ratio = node.attrs.sampling_ratio as number;
    const samples = (size: number) => (ratio > 0 ? ratio : clamp(Math.ceil(size), 0, MAX_SAMPLES));
    for (let k = 0; k < count; k++) {
      const [x1, y1, x2, y2] = Array.from(rois!.data.subarray(4 * k, 4 * k + 4), (v) => v * (node.attrs.spatial_scale as number) - offset);
      const least = offset === 0 ? 1 : Number.NEGATIVE_INFINITY;
      const [h, w] = [Math.max(y2 - y1, least) / height, Math.max(x2 - x1, least) / width];
      const image = clamp(batches!.data[k], 0, batch - 1) * from.batch;
      const [rows, columns] = [samples(h), samples(w)];
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          const corners = Array.from({ length: rows * columns }, (_, s) => {
            const [row, column] = [Math.floor(s / columns), s % columns];
            return cornersOf(y1 + h * (i + (row + 0.5) / rows), x1 + w * (j + (column + 0.5) / columns), spatial);
          });
          for (let c = 0; c < channels; c++) {
            const values = corners.map((list) =>
              list.map(
                ([row, column, weight]) => weight * x!.data[image + c * from.channel + row * from.spatial[0] + column * from.spatial[1]],
              ),
            );
            const all = values.map((list) => (largest ? Math.max(...(list.length ? list : [0])) : list.reduce((s, v) => s + v, 0)));
            const total = largest ? Math.max(...(all.length ? all : [0])) : all.reduce((s, v) => s + v, 0) / Math.max(all.length, 1);
            out.data[k * to.batch + c * to.channel + i * to.spatial[0] + j * to.spatial[1]] = total;
          }
        }
      }
    }
    return [out];
  },
  upgrade: (node, { opset }) =>
    opset >= 16 ? [node] : [{ ...node, attrs: { ...node.attrs, coordinate_transformation_mode: "output_half_pixel" } }],
  permute: (node, perm) =>
    node.attrs.layout === "NCHW" && String(perm) === String(NHWC_FROM_NCHW)
      ? { attrs: { ...node.attrs, layout: "NHWC" }, inputs: "first", perm }
      : undefined,
  lower: lowerRoiAlign,
  cases: [
    ["mean", {}],
    ["scaled, given samples", { spatial_scale: 0.5, sampling_ratio: 2 }],
    ["corners of cells", { coordinate_transformation_mode: "output_half_pixel", spatial_scale: 0.25 }],
    ["largest", { mode: "max" }],
    ["NHWC", { layout: "NHWC" }],
  ].map(([name, attrs]) => ({
    name: name as string,
    inputs: [
      wave((attrs as Node["attrs"]).layout ? [2, 7, 9, 3] : [2, 3, 7, 9]),
      f32([0, 0, 8, 6, 1.5, 2.25, 4, 5.5, -3, 1, 12, 2, 3, 3, 3, 3], [4, 4]),
      i64([0, 1, 1, 0]),
    ],
    attrs: { output_height: 3, output_width: 2, ...(attrs as Node["attrs"]) },
  })),
});

function lowerRoiAlign(ctx: Lowering): void {
  const { node } = ctx;
  const [x, rois, batches] = node.inputs;
  const { batch, channels, spatial, count, height, width, largest, offset } = geometryOf(
    node,
    node.inputs.map((name) => ctx.type(name)),
  );
  const [from, to] = [x, node.outputs[0]].map((value) => axisStrides(ctx.type(value).shape, node.attrs.layout));
  ctx.emit(Op.roi_align, {
    [RoiAlignField.batch]: batch,
    [RoiAlignField.channels]: channels,
    [RoiAlignField.in_h]: spatial[0],
    [RoiAlignField.in_w]: spatial[1],
    [RoiAlignField.out_h]: height,
    [RoiAlignField.out_w]: width,
    [RoiAlignField.count]: count,
    [RoiAlignField.a]: ctx.place(x),
    [RoiAlignField.a_channel]: from.channel,
    [RoiAlignField.a_pixel]: from.spatial[1],
    [RoiAlignField.rois]: ctx.place(rois),
    [RoiAlignField.batch_indices]: ctx.place(batches),
    [RoiAlignField.c]: ctx.place(node.outputs[0]),
    [RoiAlignField.c_channel]: to.channel,
    [RoiAlignField.c_pixel]: to.spatial[1],
    [RoiAlignField.largest]: largest ? 1 : 0,
    [RoiAlignField.ratio]: node.attrs.sampling_ratio as number,
    [RoiAlignField.scale]: f32Bits(node.attrs.spatial_scale as number),
    [RoiAlignField.offset]: f32Bits(offset),
  });
}
