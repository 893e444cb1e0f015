/** The geometry that convolution and pooling share: 4-D, two spatial axes, kernel, stride, dilation, padding. */
import type { Node } from "../graph/graph.ts";
import type { Shape } from "../tensor/index.ts";
import { attr } from "./define.ts";

export const WINDOW_ATTRS = {
  auto_pad: attr.string("NOTSET"),
  dilations: attr.ints(),
  kernel_shape: attr.ints(),
  pads: attr.ints(),
  strides: attr.ints(),
  /** edgepack's own: which order the 4-D input and output have. */
  layout: attr.string("NCHW"),
};

/** The spatial attributes that a permutation of axes does not touch are all but this one. */
export const NHWC_FROM_NCHW = [0, 2, 3, 1];

export interface Window {
  readonly batch: number;
  readonly channels: number;
  readonly in: readonly [number, number];
  readonly out: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** top, left, bottom, right; bottom and right as the model gives them. */
  readonly pad: readonly [number, number, number, number];
}

type Pair = readonly [number, number];

/** Sizes along the axes of a 4-D shape, whichever its layout. */
export function splitShape(shape: Shape, layout: unknown): { batch: number; channels: number; spatial: Pair } {
  const [n, a, b, c] = shape;
  return layout === "NHWC" ? { batch: n, channels: c, spatial: [a, b] } : { batch: n, channels: a, spatial: [b, c] };
}

export function joinShape(batch: number, channels: number, spatial: Pair, layout: unknown): Shape {
  return layout === "NHWC" ? [batch, ...spatial, channels] : [batch, channels, ...spatial];
}

/** Strides of (batch, channel, row, column) in a dense tensor of `shape`. */
export function axisStrides(shape: Shape, layout: unknown): readonly [number, number, number, number] {
  const [, a, b, c] = shape;
  return layout === "NHWC" ? [a * b * c, 1, b * c, c] : [a * b * c, b * c, c, 1];
}

function pair(node: Node, name: string, fallback: Pair): Pair {
  const value = node.attrs[name] as readonly number[] | undefined;
  if (value === undefined || value.length === 0) return fallback;
  if (value.length !== 2) throw new RangeError(`${name} [${value}] is not 2-D; only 2-D windows are supported`);
  if (value.some((v) => !(v >= 1))) throw new RangeError(`${name} [${value}] must be positive`);
  return [value[0], value[1]];
}

/**
 * Reads a node's window; `kernel` is the weights' where kernel_shape may be left out.
 * Throws RangeError where attributes contradict each other or nothing is left to compute.
 */
export function windowOf(node: Node, shape: Shape, kernelOfWeights?: Pair): Window {
  if (shape.length !== 4) throw new RangeError(`input of rank ${shape.length}; only 4-D (2 spatial axes) is supported`);
  const { batch, channels, spatial } = splitShape(shape, node.attrs.layout);
  const kernel = pair(node, "kernel_shape", kernelOfWeights ?? [0, 0]);
  if (kernelOfWeights && (kernel[0] !== kernelOfWeights[0] || kernel[1] !== kernelOfWeights[1])) {
    throw new RangeError(`kernel_shape [${kernel}] differs from the weights' [${kernelOfWeights}]`);
  }
  if (kernel[0] < 1) throw new RangeError("kernel_shape is missing");
  const stride = pair(node, "strides", [1, 1]);
  const dilation = pair(node, "dilations", [1, 1]);
  const ceil = node.attrs.ceil_mode === 1;
  const given = (node.attrs.pads as readonly number[] | undefined) ?? [0, 0, 0, 0];
  if (given.length !== 4 || given.some((p) => p < 0)) throw new RangeError(`pads [${given}] must be four numbers, none negative`);
  const mode = node.attrs.auto_pad as string;
  const axes = ([0, 1] as const).map((i) => {
    const extent = (kernel[i] - 1) * dilation[i] + 1;
    if (mode === "SAME_UPPER" || mode === "SAME_LOWER") {
      const out = Math.ceil(spatial[i] / stride[i]);
      const total = Math.max(0, (out - 1) * stride[i] + extent - spatial[i]);
      const before = mode === "SAME_UPPER" ? total >> 1 : (total + 1) >> 1;
      return { out, before, after: total - before };
    }
    if (mode !== "NOTSET" && mode !== "VALID") throw new RangeError(`auto_pad ${mode} is unknown`);
    const before = mode === "VALID" ? 0 : given[i];
    const after = mode === "VALID" ? 0 : given[i + 2];
    const room = spatial[i] + before + after - extent;
    let out = (ceil ? Math.ceil(room / stride[i]) : Math.floor(room / stride[i])) + 1;
    // A window that would start in the padding after the input is left out, as ONNX and PyTorch do.
    if (ceil && (out - 1) * stride[i] >= spatial[i] + before) out--;
    return { out, before, after };
  });
  const [h, w] = axes;
  if (h.out < 1 || w.out < 1) throw new RangeError(`a kernel of [${kernel}] does not fit the input [${shape}]`);
  return { batch, channels, in: spatial, out: [h.out, w.out], kernel, stride, dilation, pad: [h.before, w.before, h.after, w.after] };
}

/** Calls `visit` for each in-bounds tap of one output position: its place in the kernel and in the input. */
export function eachTap(w: Window, row: number, column: number, visit: (tap: number, y: number, x: number) => void): void {
  for (let i = 0, tap = 0; i < w.kernel[0]; i++) {
    const y = row * w.stride[0] - w.pad[0] + i * w.dilation[0];
    for (let j = 0; j < w.kernel[1]; j++, tap++) {
      const x = column * w.stride[1] - w.pad[1] + j * w.dilation[1];
      if (y >= 0 && y < w.in[0] && x >= 0 && x < w.in[1]) visit(tap, y, x);
    }
  }
}
