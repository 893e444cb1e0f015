/** p-norms, (Σ |x|ᵖ)^(1/p): over windows, over images, and along an axis that they normalize. */
import { elementCount, normalizeAxis, type Tensor, tensor, zeros } from "../tensor/index.ts";
import { attr, type Decomposition, defineOp, wave } from "./define.ts";
import { asMean } from "./reduce.ts";
import { axisStrides, eachPosition, joinShape, tapsAt, WINDOW_ATTRS, type Window, windowAttrs, windowOf } from "./window.ts";

const scalar = (value: number): Tensor => tensor("f32", [value], []);

/** The norm of what `sum` adds up: it is given the powers. */
function norm(parts: Decomposition, x: string, p: number, sum: (powers: string) => string, outputs?: readonly string[]): string {
  if (p === 1) return parts.add("Identity", [sum(parts.add("Abs", [x]))], {}, outputs);
  if (p === 2) return parts.add("Sqrt", [sum(parts.add("Mul", [x, x]))], {}, outputs);
  const powers = parts.add("Pow", [parts.add("Abs", [x]), parts.value(scalar(p))]);
  return parts.add("Pow", [sum(powers), parts.value(scalar(1 / p))], {}, outputs);
}

/** Padding that no window reaches beyond, so that an average counts whole windows. */
function roomy(w: Window): Window {
  const rank = w.kernel.length;
  const after = w.out.map((out, i) => {
    const end = (out - 1) * w.stride[i] + (w.kernel[i] - 1) * w.dilation[i] + 1;
    return Math.max(w.pad[rank + i], end - w.pad[i] - w.in[i]);
  });
  return { ...w, pad: [...w.pad.slice(0, rank), ...after] };
}

const { layout: _layout, ...LP_WINDOW } = WINDOW_ATTRS;

/** The p-norm of each window; padding counts as zeros. */
export const LpPool = defineOp({
  attrs: { ...LP_WINDOW, ceil_mode: attr.int(0), p: attr.int(2) },
  arity: [1, 1],
  tolerance: 1e-5,
  infer: ({ node, inputs: [x] }) => {
    const w = windowOf(node, x!.shape);
    return [{ dtype: x!.dtype, shape: joinShape(w.batch, w.channels, w.out, "NCHW") }];
  },
  eval({ node, inputs: [x] }) {
    const w = windowOf(node, x!.shape);
    const p = node.attrs.p as number;
    const out = zeros({ dtype: x!.dtype, shape: joinShape(w.batch, w.channels, w.out, "NCHW") });
    const { channel, spatial } = axisStrides(x!.shape, "NCHW");
    const plane = elementCount(w.out);
    eachPosition(w.out, (position, i) => {
      const inside = tapsAt(w, position, spatial);
      for (let c = 0; c < w.batch * w.channels; c++) {
        const sum = inside.reduce((s, { offset }) => s + Math.abs(x!.data[c * channel + offset]) ** p, 0);
        out.data[c * plane + i] = sum ** (1 / p);
      }
    });
    return [out];
  },
  decompose(parts) {
    const { inputs, outputs, attrs } = parts.node;
    const w = windowOf(parts.node, parts.type(inputs[0]).shape);
    const window = windowAttrs(
      roomy(w),
      w.kernel.map((_, axis) => axis),
    );
    const size = parts.value(scalar(elementCount(w.kernel)));
    const sum = (powers: string) => parts.add("Mul", [parts.add("AveragePool", [powers], { ...window, count_include_pad: 1 }), size]);
    norm(parts, inputs[0], attrs.p as number, sum, outputs);
  },
  cases: [
    { name: "2-D", inputs: [wave([1, 3, 6, 6])], attrs: { kernel_shape: [2, 2], strides: [2, 2] } },
    {
      name: "padded, ceil mode",
      inputs: [wave([2, 2, 6, 5])],
      attrs: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 0, 1], ceil_mode: 1 },
    },
    { name: "1-D, p = 3", inputs: [wave([1, 2, 9])], attrs: { kernel_shape: [3], p: 3, auto_pad: "SAME_UPPER" } },
    { name: "3-D, p = 1", inputs: [wave([1, 2, 4, 4, 4])], attrs: { kernel_shape: [2, 2, 2], p: 1 } },
  ],
});

/** The p-norm over the spatial axes, which stay with size 1. */
export const GlobalLpPool = defineOp({
  attrs: { p: attr.int(2) },
  arity: [1, 1],
  tolerance: 1e-5,
  infer: ({ inputs: [x] }) => [{ dtype: x!.dtype, shape: x!.shape.map((d, i) => (i < 2 ? d : 1)) }],
  eval: ({ node, inputs: [x] }) => {
    const n = elementCount(x!.shape.slice(2));
    const p = node.attrs.p as number;
    const sums = new Float64Array(x!.shape[0] * x!.shape[1]);
    x!.data.forEach((v, i) => {
      sums[Math.floor(i / n)] += Math.abs(v) ** p;
    });
    return [
      tensor(
        "f32",
        sums.map((sum) => sum ** (1 / p)),
        x!.shape.map((d, i) => (i < 2 ? d : 1)),
      ),
    ];
  },
  decompose: (parts) => {
    const { inputs, outputs, attrs } = parts.node;
    const over = asMean(parts.node, parts.type(inputs[0])).attrs;
    norm(parts, inputs[0], attrs.p as number, (powers) => parts.add("ReduceSum", [powers], over), outputs);
  },
  cases: [1, 2, 3].map((p) => ({ name: `p = ${p}`, inputs: [wave([2, 3, 3, 4])], attrs: { p } })),
});

/** x over its p-norm along an axis; zeros stay zeros. */
export const LpNormalization = defineOp({
  attrs: { axis: attr.int(-1), p: attr.int(2) },
  arity: [1, 1],
  tolerance: 1e-5,
  infer: ({ inputs: [x] }) => [{ dtype: x!.dtype, shape: x!.shape }],
  eval: ({ node, inputs: [x] }) => {
    const axis = normalizeAxis(node.attrs.axis as number, x!.shape.length);
    const inner = elementCount(x!.shape.slice(axis + 1));
    const n = x!.shape[axis];
    const p = node.attrs.p as number;
    const row = (i: number) => Math.floor(i / (n * inner)) * inner + (i % inner);
    const sums = new Float64Array(elementCount(x!.shape) / n);
    x!.data.forEach((v, i) => {
      sums[row(i)] += Math.abs(v) ** p;
    });
    return [
      tensor(
        "f32",
        x!.data.map((v, i) => v / (sums[row(i)] ** (1 / p) || 1)),
        x!.shape,
      ),
    ];
  },
  decompose: (parts) => {
    const { inputs, outputs, attrs } = parts.node;
    const length = norm(parts, inputs[0], attrs.p as number, (powers) =>
      parts.add("ReduceSum", [powers], { axes: [attrs.axis as number] }),
    );
    parts.add("Div", [inputs[0], parts.add("Max", [length, parts.value(scalar(2 ** -126))])], {}, outputs);
  },
  cases: [
    { name: "last axis", inputs: [wave([3, 7])] },
    { name: "first axis, p = 1", inputs: [wave([3, 4, 2])], attrs: { axis: 0, p: 1 } },
    { name: "zeros", inputs: [zeros({ dtype: "f32", shape: [2, 3] })] },
  ],
});
