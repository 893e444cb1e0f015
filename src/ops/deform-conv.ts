import { elementCount, f32, i64, type Shape } from "../tensor/index.ts";
import { reshaped } from "./conv-axes.ts";
import { attr, type Decomposition, wave } from "./define.ts";
import { defineFunction } from "./function.ts";
import { eachPosition, type Window, windowOf } from "./window.ts";

interface Deformed {
  readonly window: Window;
  /** Groups of channels that share offsets. */
  readonly sets: number;
  readonly taps: number;
}

function deformedOf({ node, type }: Decomposition): Deformed {
  const [x, w, offsets, , mask] = node.inputs;
  const [, perGroup, ...kernel] = type(w).shape;
  const window = windowOf(node, type(x).shape, kernel);
  const { group, offset_group: sets } = node.attrs as Record<string, number>;
  const taps = elementCount(kernel);
  const places = [window.batch, sets * taps * kernel.length, ...window.out];
  if (window.channels !== perGroup * group || window.channels % sets !== 0)
    throw new RangeError(`${window.channels} channels do not divide into ${group} groups of ${perGroup}, or ${sets} groups of offsets`);
  if (String(type(offsets).shape) !== String(places)) throw new RangeError(`offsets are [${type(offsets).shape}], not [${places}]`);
  const kept = places.with(1, sets * taps);
  if (mask && String(type(mask).shape) !== String(kept)) throw new RangeError(`the mask is [${type(mask).shape}], not [${kept}]`);
  if (kernel.length > 3) throw new RangeError(`convolution over ${kernel.length} axes is not supported, only over 1 to 3`);
  return { window, sets, taps };
}

/** Where each tap reads without an offset, as GridSample counts: [taps, …places, axes], the innermost axis first. */
function restOf({ window: w, taps }: Deformed): Float32Array {
  const rank = w.in.length;
  const data = new Float32Array(taps * elementCount(w.out) * rank);
  eachPosition([...w.kernel, ...w.out], (position, i) => {
    for (let axis = 0; axis < rank; axis++) {
      const at = position[rank + axis] * w.stride[axis] - w.pad[axis] + position[axis] * w.dilation[axis];
      data[i * rank + rank - 1 - axis] = (2 * at + 1) / w.in[axis] - 1;
    }
  });
  return data;
}

/** The places that taps read: [batch · sets, taps · first axis, …other axes, axes]. */
function gridOf(parts: Decomposition, deformed: Deformed): string {
  const { window, sets, taps } = deformed;
  const rank = window.in.length;
  const perSet = reshaped(parts, parts.node.inputs[2], [window.batch * sets, taps, rank, ...window.out]);
  const last = [0, 1, ...window.out.map((_, axis) => 3 + axis), 2];
  const turned = parts.add(
    "Gather",
    [parts.add("Transpose", [perSet], { perm: last }), parts.value(i64(window.in.map((_, axis) => rank - 1 - axis)))],
    { axis: rank + 2 },
  );
  const steps = parts.value(f32(window.in.toReversed().map((size) => 2 / size)));
  const rest = parts.value(f32(restOf(deformed), [taps, ...window.out, rank]));
  const [first, ...others] = window.out;
  const shape: Shape = [window.batch * sets, taps * first, ...others, rank];
  return reshaped(parts, parts.add("Add", [parts.add("Mul", [turned, steps]), rest]), shape);
}

/**
 * Convolution whose taps read beside their places, by offsets that are computed (Dai et al. 2017), each weighted by a mask where there is one: what taps read
 * is one GridSample, and the sum over them a convolution with a kernel of 1.
 */
export const DeformConv = defineFunction({
  attrs: {
    dilations: attr.ints(),
    group: attr.int(1),
    kernel_shape: attr.ints(),
    offset_group: attr.int(1),
    pads: attr.ints(),
    strides: attr.ints(),
  },
  arity: [3, 5],
  tolerance: 1e-4,
  body(parts) {
    const { node, type } = parts;
    const [x, w, , bias = "", mask] = node.inputs;
    const deformed = deformedOf(parts);
    const { window, sets, taps } = deformed;
    const [first, ...others] = window.out;
    const images = reshaped(parts, x, [window.batch * sets, window.channels / sets, ...window.in]);
    let read = parts.add("GridSample", [images, gridOf(parts, deformed)], { mode: "linear", padding_mode: "zeros", align_corners: 0 });
    if (mask) read = parts.add("Mul", [read, reshaped(parts, mask, [window.batch * sets, 1, taps * first, ...others])]);
    const [outputs, perGroup] = type(w).shape;
    const ones = window.in.map(() => 1);
    const columns = reshaped(parts, read, [window.batch, window.channels * taps, ...window.out]);
    const kernel = reshaped(parts, w, [outputs, perGroup * taps, ...ones]);
    parts.add("Conv", [columns, kernel, bias], { group: node.attrs.group, kernel_shape: ones }, node.outputs);
  },
  macs: (_node, [, w], output) => elementCount(output.shape) * elementCount(w!.shape.slice(1)),
  cases: [
    {
      name: "a bias and a mask",
      inputs: [wave([1, 2, 5, 6]), wave([3, 2, 2, 2], 2), wave([1, 8, 4, 5], 3), wave([3], 4), wave([1, 4, 4, 5], 5)],
      constants: [1, 3],
    },
    {
      name: "groups, strides, dilations and pads",
      inputs: [wave([2, 4, 7, 6]), wave([2, 2, 3, 2], 2), wave([2, 24, 4, 3], 3)],
      attrs: { group: 2, offset_group: 2, strides: [2, 2], dilations: [1, 2], pads: [1, 1, 1, 1], kernel_shape: [3, 2] },
      constants: [1],
    },
    { name: "a line", inputs: [wave([1, 2, 9]), wave([2, 2, 3], 2), wave([1, 3, 7], 3)], constants: [1] },
  ],
});
