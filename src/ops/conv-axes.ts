/** Convolution over one axis or three, and with a bias that is computed, as nodes around a 2-D one with a constant bias or none. */
import { i64 } from "../tensor/index.ts";
import type { Decomposition } from "./define.ts";
import { type Window, windowAttrs, windowOf } from "./window.ts";

/** Reshape to a shape that is known. */
export function reshaped(parts: Decomposition, value: string, shape: readonly number[], outputs?: readonly string[]): string {
  return parts.add("Reshape", [value, parts.value(i64(shape))], { allowzero: 1 }, outputs);
}

/** Elements from `start` to `end` along one axis, `step` apart. */
export function sliced(parts: Decomposition, value: string, axis: number, start: number, end: number, step = 1): string {
  return parts.add("Slice", [value, ...[[start], [end], [axis], [step]].map((list) => parts.value(i64(list)))]);
}

export function decomposeConv(parts: Decomposition): void {
  const { node } = parts;
  const [x, w, bias] = node.inputs;
  const [outputs, , ...kernel] = parts.type(w).shape;
  const rank = kernel.length;
  if (bias && !parts.constant(bias)) {
    const { min, max, ...attrs } = node.attrs;
    const channels = node.attrs.layout === "NHWC" ? [outputs] : [outputs, ...kernel.map(() => 1)];
    parts.add("Add", [parts.add("Conv", [x, w], attrs), reshaped(parts, bias, channels)], { min, max }, node.outputs);
    return;
  }
  if (rank === 2 || node.attrs.layout !== "NCHW") return;
  const window = windowOf(node, parts.type(x).shape, kernel);
  if (rank === 1) overLine(parts, window);
  else if (rank === 3) overVolume(parts, window);
  else throw new RangeError(`convolution over ${rank} axes is not supported, only over 1 to 3`);
}

function overLine(parts: Decomposition, window: Window): void {
  const { node } = parts;
  const [x, w, bias = ""] = node.inputs;
  const { batch, channels } = window;
  const [outputs, perGroup] = parts.type(w).shape;
  const image = reshaped(parts, x, [batch, channels, 1, ...window.in]);
  const kernel = reshaped(parts, w, [outputs, perGroup, 1, ...window.kernel]);
  const y = parts.add("Conv", [image, kernel, bias], { ...node.attrs, ...windowAttrs(window, [undefined, 0]) });
  reshaped(parts, y, [batch, outputs, ...window.out], node.outputs);
}

/** The planes that one output plane reads become channels: [n, c, d, h, w] is seen as [n · d′, c · kd, h, w]. */
function overVolume(parts: Decomposition, window: Window): void {
  const { node } = parts;
  const [x, w, bias = ""] = node.inputs;
  const { batch, channels, stride, dilation, pad } = window;
  const [depth, height, width] = window.in;
  const [outDepth, outHeight, outWidth] = window.out;
  const [taps, kernelHeight, kernelWidth] = window.kernel;
  const [outputs, perGroup] = parts.type(w).shape;

  const around = [0, 0, pad[0], 0, 0, 0, 0, pad[3], 0, 0];
  const padded = around.some((p) => p > 0) ? parts.add("Pad", [x, parts.value(i64(around))]) : x;
  const planes = Array.from({ length: taps }, (_, tap) => {
    const first = tap * dilation[0];
    const last = first + (outDepth - 1) * stride[0] + 1;
    const whole = first === 0 && last === depth + pad[0] + pad[3] && stride[0] === 1;
    return reshaped(parts, whole ? padded : sliced(parts, padded, 2, first, last, stride[0]), [
      batch,
      channels,
      1,
      outDepth,
      height,
      width,
    ]);
  });
  const stacked = taps === 1 ? planes[0] : parts.add("Concat", planes, { axis: 2 });
  const turned = parts.add("Transpose", [stacked], { perm: [0, 3, 1, 2, 4, 5] });
  const image = reshaped(parts, turned, [batch * outDepth, channels * taps, height, width]);
  const kernel = reshaped(parts, w, [outputs, perGroup * taps, kernelHeight, kernelWidth]);
  const y = parts.add("Conv", [image, kernel, bias], { ...node.attrs, ...windowAttrs(window, [1, 2]) });
  const back = reshaped(parts, y, [batch, outDepth, outputs, outHeight, outWidth]);
  parts.add("Transpose", [back], { perm: [0, 2, 1, 3, 4] }, node.outputs);
}
