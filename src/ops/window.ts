/** The geometry that convolution and pooling share: any number of spatial axes, each with kernel, stride, dilation and padding. */
import type { Node } from "../graph/graph.ts";
import { elementCount, type Shape } from "../tensor/index.ts";
import { attr } from "./define.ts";

export const WINDOW_ATTRS = {
  auto_pad: attr.string("NOTSET"),
  dilations: attr.ints(),
  kernel_shape: attr.ints(),
  pads: attr.ints(),
  strides: attr.ints(),
  /** edgepack's own: which order the input and output have, channels first or last. */
  layout: attr.string("NCHW"),
};

/** The spatial attributes that a permutation of axes does not touch are all but this one. */
export const NHWC_FROM_NCHW = [0, 2, 3, 1];

/** All lists have an element for each spatial axis, outermost first. */
export interface Window {
  readonly batch: number;
  readonly channels: number;
  readonly in: readonly number[];
  readonly out: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Before each axis, then after each axis; the latter as the model gives them. */
  readonly pad: readonly number[];
}

/** Sizes along the axes of a shape, whichever its layout. */
export function splitShape(shape: Shape, layout: unknown): { batch: number; channels: number; spatial: readonly number[] } {
  const channels = layout === "NHWC" ? shape.length - 1 : 1;
  return { batch: shape[0], channels: shape[channels], spatial: shape.filter((_, axis) => axis !== 0 && axis !== channels) };
}

export function joinShape(batch: number, channels: number, spatial: readonly number[], layout: unknown): Shape {
  return layout === "NHWC" ? [batch, ...spatial, channels] : [batch, channels, ...spatial];
}

/** Strides of batch, channel and spatial axes in a dense tensor of `shape`. */
export function axisStrides(shape: Shape, layout: unknown): { batch: number; channel: number; spatial: readonly number[] } {
  const { channels, spatial } = splitShape(shape, layout);
  const step = layout === "NHWC" ? channels : 1;
  return {
    batch: channels * elementCount(spatial),
    channel: layout === "NHWC" ? 1 : elementCount(spatial),
    spatial: spatial.map((_, axis) => step * elementCount(spatial.slice(axis + 1))),
  };
}

/** One positive number for each of `rank` spatial axes; `fallback` where the attribute is absent. */
export function perAxis(node: Node, name: string, rank: number, fallback: number): readonly number[] {
  const value = (node.attrs[name] as readonly number[] | undefined) ?? [];
  if (value.length === 0) return new Array<number>(rank).fill(fallback);
  if (value.length !== rank) throw new RangeError(`${name} [${value}] does not fit ${rank} spatial axes`);
  if (value.some((v) => !(v >= 1))) throw new RangeError(`${name} [${value}] must be positive`);
  return value;
}

/** The kernel's extent along each axis, from kernel_shape or the weights, which must agree. */
export function kernelOf(node: Node, rank: number, ofWeights?: readonly number[]): readonly number[] {
  const kernel = node.attrs.kernel_shape || !ofWeights ? perAxis(node, "kernel_shape", rank, 0) : ofWeights;
  if (ofWeights && (ofWeights.length !== rank || kernel.some((k, i) => k !== ofWeights[i])))
    throw new RangeError(`kernel_shape [${kernel}] differs from the weights' [${ofWeights}]`);
  if (kernel.some((k) => k < 1)) throw new RangeError("kernel_shape is missing");
  return kernel;
}

/** Explicit pads, before each axis and then after each; zeros where there are none. */
export function padsOf(node: Node, rank: number): readonly number[] {
  const pads = (node.attrs.pads as readonly number[] | undefined) ?? [];
  if (pads.length === 0) return new Array<number>(2 * rank).fill(0);
  if (pads.length !== 2 * rank || pads.some((p) => p < 0))
    throw new RangeError(`pads [${pads}] must be ${2 * rank} numbers, none negative`);
  return pads;
}

/**
 * Reads a node's window; `kernelOfWeights` is the weights' where kernel_shape may be left out.
 * Throws RangeError where attributes contradict each other or nothing is left to compute.
 */
export function windowOf(node: Node, shape: Shape, kernelOfWeights?: readonly number[]): Window {
  if (shape.length < 3) throw new RangeError(`input of rank ${shape.length} has no spatial axes`);
  const { batch, channels, spatial } = splitShape(shape, node.attrs.layout);
  const rank = spatial.length;
  const kernel = kernelOf(node, rank, kernelOfWeights);
  const stride = perAxis(node, "strides", rank, 1);
  const dilation = perAxis(node, "dilations", rank, 1);
  const ceil = node.attrs.ceil_mode === 1;
  const given = padsOf(node, rank);
  const mode = (node.attrs.auto_pad as string | undefined) ?? "NOTSET";
  const axes = spatial.map((size, i) => {
    const extent = (kernel[i] - 1) * dilation[i] + 1;
    if (mode === "SAME_UPPER" || mode === "SAME_LOWER") {
      const out = Math.ceil(size / stride[i]);
      const total = Math.max(0, (out - 1) * stride[i] + extent - size);
      const before = mode === "SAME_UPPER" ? total >> 1 : (total + 1) >> 1;
      return { out, before, after: total - before };
    }
    if (mode !== "NOTSET" && mode !== "VALID") throw new RangeError(`auto_pad ${mode} is unknown`);
    const before = mode === "VALID" ? 0 : given[i];
    const after = mode === "VALID" ? 0 : given[i + rank];
    const room = size + before + after - extent;
    let out = (ceil ? Math.ceil(room / stride[i]) : Math.floor(room / stride[i])) + 1;
    // A window that would start in the padding after the input is left out, as ONNX and PyTorch do.
    if (ceil && (out - 1) * stride[i] >= size + before) out--;
    return { out, before, after };
  });
  if (axes.some(({ out }) => out < 1)) throw new RangeError(`a kernel of [${kernel}] does not fit the input [${shape}]`);
  return {
    batch,
    channels,
    in: spatial,
    out: axes.map((axis) => axis.out),
    kernel,
    stride,
    dilation,
    pad: [...axes.map((axis) => axis.before), ...axes.map((axis) => axis.after)],
  };
}

/** Calls `visit` for each position of a grid in row-major order; the array is reused. */
export function eachPosition(sizes: readonly number[], visit: (position: readonly number[], index: number) => void): void {
  const position = new Array<number>(sizes.length).fill(0);
  const total = elementCount(sizes);
  for (let index = 0; index < total; index++) {
    visit(position, index);
    for (let axis = sizes.length - 1; axis >= 0 && ++position[axis] === sizes[axis]; axis--) position[axis] = 0;
  }
}

/** A tap inside the input: its place in the kernel, and its offset by the strides that were asked for. */
export interface Tap {
  readonly tap: number;
  readonly offset: number;
}

/** The taps of one output position that lie inside the input, in row-major order. */
export function tapsAt(w: Window, position: readonly number[], strides: readonly number[]): readonly Tap[] {
  let taps: Tap[] = [{ tap: 0, offset: 0 }];
  for (const [axis, size] of w.in.entries()) {
    const first = position[axis] * w.stride[axis] - w.pad[axis];
    const next: Tap[] = [];
    for (const { tap, offset } of taps) {
      for (let k = 0; k < w.kernel[axis]; k++) {
        const at = first + k * w.dilation[axis];
        if (at >= 0 && at < size) next.push({ tap: tap * w.kernel[axis] + k, offset: offset + at * strides[axis] });
      }
    }
    taps = next;
  }
  return taps;
}

/**
 * Attributes of a window that has the given spatial axes of `w` as its own; undefined stands for an axis of size 1. Padding is explicit.
 */
export function windowAttrs(w: Window, axes: readonly (number | undefined)[]): Record<string, readonly number[] | string> {
  const pick = (list: readonly number[], absent: number, from = 0) => axes.map((axis) => (axis === undefined ? absent : list[from + axis]));
  return {
    auto_pad: "NOTSET",
    kernel_shape: pick(w.kernel, 1),
    strides: pick(w.stride, 1),
    dilations: pick(w.dilation, 1),
    pads: [...pick(w.pad, 0), ...pick(w.pad, 0, w.kernel.length)],
  };
}
