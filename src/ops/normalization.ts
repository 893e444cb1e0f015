/** Normalizations by mean and variance over some axes, apart from those along the last: all are taken apart into reductions. */
import { elementCount, normalizeAxis, type Tensor, tensor, zeros } from "../tensor/index.ts";
import { reshaped } from "./conv-axes.ts";
import { attr, type Decomposition, defineOp, wave } from "./define.ts";

const scalar = (value: number): Tensor => tensor("f32", [value], []);

/** What x becomes, and the statistics, which keep the axes with size 1. */
export interface Standardized {
  readonly value: string;
  readonly mean: string;
  /** 1 / √(variance + epsilon). */
  readonly inverse: string;
}

/** (x − mean) / √(variance + epsilon) over `axes`. */
export function standardized(parts: Decomposition, x: string, axes: readonly number[], epsilon: number): Standardized {
  const over = { axes, keepdims: 1 };
  const mean = parts.add("ReduceMean", [x], over);
  const centred = parts.add("Sub", [x, mean]);
  const variance = parts.add("ReduceMean", [parts.add("Mul", [centred, centred])], over);
  const deviation = parts.add("Sqrt", [parts.add("Add", [variance, parts.value(scalar(epsilon))])]);
  const inverse = parts.add("Reciprocal", [deviation]);
  return { value: parts.add("Mul", [centred, inverse]), mean, inverse };
}

/** `value` · scale + bias, each with one number for a channel, axis 1 of `rank`. */
function perChannel(parts: Decomposition, value: string, scale: string, bias: string, rank: number): void {
  const shape = [elementCount(parts.type(scale).shape), ...new Array<number>(rank - 2).fill(1)];
  const scaled = parts.add("Mul", [value, reshaped(parts, scale, shape)]);
  parts.add("Add", [scaled, reshaped(parts, bias, shape)], {}, parts.node.outputs);
}

/** The definition: rows of `n` neighbouring elements, then a factor and a term for each element. */
function normalizeRows(x: Tensor, n: number, epsilon: number, scale: (i: number) => number, bias: (i: number) => number): Tensor {
  const out = zeros(x);
  for (let first = 0; first < x.data.length; first += n) {
    const row = Array.from(x.data.subarray(first, first + n));
    const mean = row.reduce((s, v) => s + v, 0) / n;
    const variance = row.reduce((s, v) => s + (v - mean) ** 2, 0) / n;
    const factor = 1 / Math.sqrt(variance + epsilon);
    for (let i = 0; i < n; i++) out.data[first + i] = (row[i] - mean) * factor * scale(first + i) + bias(first + i);
  }
  return out;
}

/** Over the spatial axes of each image and channel. */
export const InstanceNormalization = defineOp({
  attrs: { epsilon: attr.float(1e-5) },
  arity: [3, 3],
  tolerance: 1e-5,
  infer: ({ inputs: [x, ...affine] }) => {
    for (const t of affine)
      if (elementCount(t!.shape) !== x!.shape[1]) throw new RangeError(`[${t!.shape}] does not fit ${x!.shape[1]} channels`);
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  eval: ({ node, inputs: [x, scale, bias] }) => {
    const n = elementCount(x!.shape.slice(2));
    const channel = (i: number) => Math.floor(i / n) % x!.shape[1];
    const epsilon = node.attrs.epsilon as number;
    return [
      normalizeRows(
        x!,
        n,
        epsilon,
        (i) => scale!.data[channel(i)],
        (i) => bias!.data[channel(i)],
      ),
    ];
  },
  upgrade: (node) => {
    const { consumed_inputs: _consumed, ...attrs } = node.attrs;
    return [{ ...node, attrs }];
  },
  decompose: (parts) => {
    const [x, scale, bias] = parts.node.inputs;
    const { shape } = parts.type(x);
    const axes = shape.slice(2).map((_, i) => i + 2);
    perChannel(parts, standardized(parts, x, axes, parts.node.attrs.epsilon as number).value, scale, bias, shape.length);
  },
  cases: [
    { name: "images", inputs: [wave([2, 3, 4, 5]), wave([3], 2), wave([3], 3)], constants: [1, 2] },
    { name: "lines", inputs: [wave([2, 3, 7]), wave([3], 2), wave([3], 3)], attrs: { epsilon: 0.01 } },
  ],
});

/** Over groups of neighbouring channels; scale and bias have one number for a channel (opset 21) or for a group (opset 18). */
export const GroupNormalization = defineOp({
  attrs: { epsilon: attr.float(1e-5), num_groups: attr.required(attr.int()), stash_type: attr.int(1) },
  arity: [3, 3],
  tolerance: 1e-5,
  infer: ({ node, inputs: [x, ...affine] }) => {
    const groups = node.attrs.num_groups as number;
    const channels = x!.shape[1];
    if (!(groups > 0) || channels % groups !== 0) throw new RangeError(`${channels} channels do not divide into ${groups} groups`);
    for (const t of affine)
      if (![groups, channels].includes(elementCount(t!.shape))) throw new RangeError(`[${t!.shape}] does not fit ${channels} channels`);
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  eval: ({ node, inputs: [x, scale, bias] }) => {
    const n = elementCount(x!.shape.slice(1)) / (node.attrs.num_groups as number);
    const image = elementCount(x!.shape.slice(1));
    const place = (t: Tensor, i: number) => t.data[Math.floor(((i % image) * t.data.length) / image)];
    const epsilon = node.attrs.epsilon as number;
    return [
      normalizeRows(
        x!,
        n,
        epsilon,
        (i) => place(scale!, i),
        (i) => place(bias!, i),
      ),
    ];
  },
  decompose: (parts) => {
    const [x, scale, bias] = parts.node.inputs;
    const { shape } = parts.type(x);
    const [groups, epsilon] = [parts.node.attrs.num_groups as number, parts.node.attrs.epsilon as number];
    const n = elementCount(shape.slice(1)) / groups;
    const ones = parts.value(tensor("f32", new Float32Array(n).fill(1)));
    const rows = parts.add("LayerNormalization", [reshaped(parts, x, [shape[0] * groups, n]), ones], { axis: -1, epsilon });
    const spread = (value: string) => {
      const given = elementCount(parts.type(value).shape);
      if (given === shape[1]) return value;
      const repeated = parts.add("Tile", [reshaped(parts, value, [given, 1]), parts.value(tensor("i64", [1, shape[1] / given]))]);
      return reshaped(parts, repeated, [shape[1]]);
    };
    perChannel(parts, reshaped(parts, rows, shape), spread(scale), spread(bias), shape.length);
  },
  cases: [
    { name: "by channel", inputs: [wave([2, 6, 3, 4]), wave([6], 2), wave([6], 3)], attrs: { num_groups: 3 }, constants: [1, 2] },
    { name: "by group", inputs: [wave([1, 6, 5]), wave([2], 2), wave([2], 3)], attrs: { num_groups: 2 }, constants: [1, 2] },
    { name: "computed", inputs: [wave([1, 4, 5]), wave([2], 2), wave([2], 3)], attrs: { num_groups: 2 } },
  ],
});

/** Over the batch and the spatial axes unless told: (x − mean) / (deviation + 1e-9). */
export const MeanVarianceNormalization = defineOp({
  attrs: { axes: attr.ints([0, 2, 3]) },
  arity: [1, 1],
  tolerance: 1e-5,
  infer: ({ inputs: [x] }) => [{ dtype: x!.dtype, shape: x!.shape }],
  eval: ({ node, inputs: [x] }) => {
    const { shape } = x!;
    const axes = (node.attrs.axes as readonly number[]).map((axis) => normalizeAxis(axis, shape.length));
    const key = (i: number) => {
      let at = 0;
      for (let axis = shape.length - 1, rest = i, step = 1; axis >= 0; rest = Math.floor(rest / shape[axis--])) {
        if (axes.includes(axis)) continue;
        at += (rest % shape[axis]) * step;
        step *= shape[axis];
      }
      return at;
    };
    const n = elementCount(axes.map((axis) => shape[axis]));
    const means = new Float64Array(x!.data.length / n);
    const squares = new Float64Array(means.length);
    x!.data.forEach((v, i) => {
      means[key(i)] += v / n;
    });
    x!.data.forEach((v, i) => {
      squares[key(i)] += (v - means[key(i)]) ** 2 / n;
    });
    return [
      tensor(
        "f32",
        x!.data.map((v, i) => (v - means[key(i)]) / (Math.sqrt(squares[key(i)]) + 1e-9)),
        shape,
      ),
    ];
  },
  decompose: (parts) => {
    const [x] = parts.node.inputs;
    const over = { axes: parts.node.attrs.axes, keepdims: 1 };
    const centred = parts.add("Sub", [x, parts.add("ReduceMean", [x], over)]);
    const deviation = parts.add("Sqrt", [parts.add("ReduceMean", [parts.add("Mul", [centred, centred])], over)]);
    parts.add("Div", [centred, parts.add("Add", [deviation, parts.value(scalar(1e-9))])], {}, parts.node.outputs);
  },
  cases: [
    { name: "images", inputs: [wave([2, 3, 4, 5])] },
    { name: "one axis", inputs: [wave([3, 5])], attrs: { axes: [-1] } },
  ],
});
