import { Op } from "../../assembly/shared/plan.ts";
import { GridSampleField, Outside, Sampling } from "../../assembly/shared/sampling.ts";
import type { Node } from "../graph/graph.ts";
import { elementCount, f32, roundEven, type TensorType, zeros } from "../tensor/index.ts";
import { attr, defineOp, type OpCase, wave } from "./define.ts";
import type { Lowering } from "./lowering.ts";
import { axisStrides, eachPosition, joinShape, NHWC_FROM_NCHW, splitShape } from "./window.ts";

/** Names of modes; those of opset 16 stand beside the newer ones. */
const MODES: Readonly<Record<string, Sampling>> = {
  nearest: Sampling.nearest,
  linear: Sampling.linear,
  bilinear: Sampling.linear,
  cubic: Sampling.cubic,
  bicubic: Sampling.cubic,
};

const PADDING: Readonly<Record<string, Outside>> = { zeros: Outside.zeros, border: Outside.border, reflection: Outside.reflection };

const CUBIC = -0.75;

interface Sampler {
  readonly mode: Sampling;
  readonly outside: Outside;
  readonly align: boolean;
}

function samplerOf({ attrs }: Node): Sampler {
  const [mode, outside] = [MODES[attrs.mode as string], PADDING[attrs.padding_mode as string]];
  if (mode === undefined) throw new RangeError(`mode ${attrs.mode} is unknown`);
  if (outside === undefined) throw new RangeError(`padding_mode ${attrs.padding_mode} is unknown`);
  return { mode, outside, align: attrs.align_corners === 1 };
}

function geometryOf(node: Node, x: TensorType, grid: TensorType) {
  const { batch, channels, spatial } = splitShape(x.shape, node.attrs.layout);
  const [images, ...places] = grid.shape;
  const axes = places.pop();
  if (spatial.length < 1 || spatial.length > 3) throw new RangeError(`images of ${spatial.length} axes are not supported, only of 1 to 3`);
  if (images !== batch || axes !== spatial.length || places.length !== spatial.length)
    throw new RangeError(`a grid [${grid.shape}] does not fit images [${x.shape}]`);
  const { mode } = samplerOf(node);
  if (mode === Sampling.cubic && spatial.length > 2) throw new RangeError(`mode ${node.attrs.mode} is for images of two axes`);
  return { batch, channels, spatial, places, shape: joinShape(batch, channels, places, node.attrs.layout) };
}

/** Folds x back into low..high. */
function reflect(x: number, low: number, high: number): number {
  const range = high - low;
  if (range <= 0) return low;
  if (x >= low && x <= high) return x;
  const beyond = x < low ? low - x : x - high;
  const turns = Math.floor(beyond / range);
  const rest = beyond - turns * range;
  return x < low === (turns % 2 === 0) ? low + rest : high - rest;
}

function cubic(x: number): number {
  if (x <= 1) return ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
  return x < 2 ? ((CUBIC * x - 5 * CUBIC) * x + 8 * CUBIC) * x - 4 * CUBIC : 0;
}

/** The elements of an axis that are read at x, from −1 to 1, with their weights. */
function tapsOf(x: number, size: number, { mode, outside, align }: Sampler): readonly (readonly [index: number, weight: number])[] {
  const [low, high] = align ? [0, size - 1] : [-0.5, size - 0.5];
  let at = align ? ((x + 1) / 2) * (size - 1) : ((x + 1) * size - 1) / 2;
  if (mode === Sampling.nearest) at = roundEven(at);
  if (outside === Outside.border && (at < low || at > high)) at = Math.min(Math.max(at, 0), size - 1);
  if (outside === Outside.reflection) at = reflect(at, low, high);
  if (mode === Sampling.nearest) at = roundEven(at);
  const reach = mode === Sampling.nearest ? 0 : mode === Sampling.linear ? 1 : 2;
  const first = reach ? Math.floor(at) - reach + 1 : at;
  return Array.from({ length: Math.max(1, 2 * reach) }, (_, t): [number, number] => {
    const distance = Math.abs(first + t - at);
    const weight = reach === 0 ? 1 : reach === 1 ? 1 - distance : cubic(distance);
    if (outside === Outside.border) return [Math.min(Math.max(first + t, 0), size - 1), weight];
    return [outside === Outside.reflection ? Math.trunc(reflect(first + t, low, high)) : first + t, weight];
  }).filter(([index]) => index >= 0 && index < size);
}

/** Images read at the places that a grid names, by coordinates from −1 to 1. */
export const GridSample = defineOp({
  attrs: {
    align_corners: attr.int(0),
    mode: attr.string("linear"),
    padding_mode: attr.string("zeros"),
    /** edgepack's own: which order images have. */
    layout: attr.string("NCHW"),
  },
  arity: [2, 2],
  tolerance: 1e-4,
  infer: ({ node, inputs: [x, grid] }) => [{ dtype: x!.dtype, shape: geometryOf(node, x!, grid!).shape }],
  eval: ({ node, inputs: [x, grid] }) => {
    const { batch, channels, spatial, places, shape } = geometryOf(node, x!, grid!);
    const out = zeros({ dtype: x!.dtype, shape });
    const sampler = samplerOf(node);
    const from = axisStrides(x!.shape, node.attrs.layout);
    const to = axisStrides(shape, node.attrs.layout);
    const points = elementCount(places);
    for (let n = 0; n < batch; n++) {
      eachPosition(places, (position, p) => {
        const first = (n * points + p) * spatial.length;
        // The grid names the innermost axis first.
        const taps = spatial.map((size, axis) => tapsOf(grid!.data[first + spatial.length - 1 - axis], size, sampler));
        const at = position.reduce((sum, place, axis) => sum + place * to.spatial[axis], n * to.batch);
        eachPosition(
          taps.map((list) => list.length),
          (chosen) => {
            const offset = chosen.reduce((sum, k, axis) => sum + taps[axis][k][0] * from.spatial[axis], n * from.batch);
            const weight = chosen.reduce((w, k, axis) => w * taps[axis][k][1], 1);
            for (let c = 0; c < channels; c++) out.data[at + c * to.channel] += weight * x!.data[offset + c * from.channel];
          },
        );
      });
    }
    return [out];
  },
  permute: (node, perm) =>
    node.attrs.layout === "NCHW" && String(perm) === String(NHWC_FROM_NCHW)
      ? { attrs: { ...node.attrs, layout: "NHWC" }, inputs: "first", perm }
      : undefined,
  lower: lowerGridSample,
  cases: casesOf(),
});

function lowerGridSample(ctx: Lowering): void {
  const { node } = ctx;
  const [x, grid] = node.inputs;
  const { batch, channels, spatial, places, shape } = geometryOf(node, ctx.type(x), ctx.type(grid));
  const { mode, outside, align } = samplerOf(node);
  const [from, to] = [ctx.type(x).shape, shape].map((s) => axisStrides(s, node.attrs.layout));
  const missing = 3 - spatial.length;
  const size = (axis: number) => (axis < missing ? 1 : spatial[axis - missing]);
  ctx.emit(Op.grid_sample, {
    [GridSampleField.batch]: batch,
    [GridSampleField.channels]: channels,
    [GridSampleField.axes]: spatial.length,
    [GridSampleField.in_d]: size(0),
    [GridSampleField.in_h]: size(1),
    [GridSampleField.in_w]: size(2),
    [GridSampleField.points]: elementCount(places),
    [GridSampleField.a]: ctx.place(x),
    [GridSampleField.a_channel]: from.channel,
    [GridSampleField.a_pixel]: from.spatial[spatial.length - 1],
    [GridSampleField.grid]: ctx.place(grid),
    [GridSampleField.c]: ctx.place(node.outputs[0]),
    [GridSampleField.c_channel]: to.channel,
    [GridSampleField.c_pixel]: to.spatial[spatial.length - 1],
    [GridSampleField.mode]: mode,
    [GridSampleField.outside]: outside,
    [GridSampleField.align_corners]: align ? 1 : 0,
  });
}

function casesOf(): OpCase[] {
  const cases: OpCase[] = [];
  const grid = (shape: readonly number[]) =>
    f32(
      wave(shape, 3).data.map((v) => 1.7 * v),
      shape,
    );
  for (const mode of ["nearest", "linear", "cubic"])
    for (const padding_mode of Object.keys(PADDING))
      for (const align_corners of [0, 1])
        cases.push({
          name: `${mode}, ${padding_mode}, ${align_corners ? "corners aligned" : "corners not aligned"}`,
          inputs: [wave([2, 3, 4, 5]), grid([2, 3, 4, 2])],
          attrs: { mode, padding_mode, align_corners },
        });
  cases.push({ name: "volumes", inputs: [wave([1, 2, 3, 4, 5]), grid([1, 2, 3, 2, 3])], attrs: { padding_mode: "border" } });
  cases.push({ name: "NHWC", inputs: [wave([1, 4, 5, 6]), grid([1, 3, 2, 2])], attrs: { layout: "NHWC" } });
  cases.push({
    name: "images of one pixel",
    inputs: [wave([1, 2, 1, 1]), grid([1, 2, 2, 2])],
    attrs: { padding_mode: "reflection", align_corners: 1 },
  });
  return cases;
}
