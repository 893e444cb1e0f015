/** Discrete Fourier transforms as products with tables of sines and cosines; the last axis holds the real and the imaginary part. */
import { elementCount, i64, normalizeAxis, type Shape, type Tensor, type TensorType, tensor, withShape, zeros } from "../tensor/index.ts";
import { reshaped } from "./conv-axes.ts";
import { attr, type Decomposition, defineOp, type InferContext, wave } from "./define.ts";
import { optionalInts } from "./inputs.ts";

/** e^(∓2πi·j·k/n) for samples j < `samples` and frequencies k < `bins`. The angle is reduced in integers, so that long tables stay exact. */
function turn(j: number, k: number, n: number, inverse: boolean): readonly [real: number, imaginary: number] {
  const angle = (2 * Math.PI * ((j * k) % n)) / n;
  return [Math.cos(angle), inverse ? Math.sin(angle) : -Math.sin(angle)];
}

interface Transform {
  readonly axis: number;
  /** Samples that are read, and the length they are cut or filled with zeros to. */
  readonly samples: number;
  readonly n: number;
  readonly bins: number;
  readonly parts: number;
  readonly inverse: boolean;
  readonly shape: Shape;
}

function transformOf(ctx: InferContext): Transform {
  const { shape } = ctx.inputs[0]!;
  const rank = shape.length;
  const parts = shape[rank - 1];
  if (rank < 2 || parts < 1 || parts > 2) throw new RangeError(`[${shape}] has no last axis of real and imaginary parts`);
  const [given] = optionalInts(ctx, 2, "the axis") ?? [ctx.node.attrs.axis as number];
  const axis = normalizeAxis(given, rank);
  if (axis === rank - 1) throw new RangeError("the axis of real and imaginary parts cannot be transformed");
  const [n] = optionalInts(ctx, 1, "the length") ?? [shape[axis]];
  if (!(n >= 1)) throw new RangeError(`a transform of length ${n} has no samples`);
  const [inverse, onesided] = [ctx.node.attrs.inverse === 1, ctx.node.attrs.onesided === 1];
  if (inverse && onesided) throw new RangeError("a one-sided transform cannot be inverse");
  const bins = onesided ? Math.floor(n / 2) + 1 : n;
  return { axis, samples: Math.min(n, shape[axis]), n, bins, parts, inverse, shape: [...shape.with(axis, bins).slice(0, -1), 2] };
}

const contextOf = (parts: Decomposition): InferContext => ({
  node: parts.node,
  inputs: parts.node.inputs.map((name) => (name === "" ? undefined : parts.type(name))),
  constant: (i) => parts.constant(parts.node.inputs[i]),
});

/** Along one axis of complex or real numbers; an inverse transform is divided by its length. */
export const DFT = defineOp({
  attrs: { axis: attr.int(-2), inverse: attr.int(0), onesided: attr.int(0) },
  arity: [1, 3],
  tolerance: 1e-4,
  infer: (ctx) => [withShape(ctx.inputs[0]!, transformOf(ctx).shape)],
  eval: ({ node, inputs }) => {
    const [x] = inputs;
    const t = transformOf({ node, inputs, constant: (i) => inputs[i] });
    const out = zeros({ dtype: x!.dtype, shape: t.shape });
    const inner = elementCount(x!.shape.slice(t.axis + 1, -1));
    const outer = elementCount(x!.shape.slice(0, t.axis));
    const scale = t.inverse ? 1 / t.n : 1;
    for (let o = 0; o < outer; o++)
      for (let k = 0; k < t.bins; k++)
        for (let i = 0; i < inner; i++) {
          let [real, imaginary] = [0, 0];
          for (let j = 0; j < t.samples; j++) {
            const at = ((o * x!.shape[t.axis] + j) * inner + i) * t.parts;
            const [a, b] = [x!.data[at], t.parts === 2 ? x!.data[at + 1] : 0];
            const [c, s] = turn(j, k, t.n, t.inverse);
            real += a * c - b * s;
            imaginary += a * s + b * c;
          }
          const to = ((o * t.bins + k) * inner + i) * 2;
          [out.data[to], out.data[to + 1]] = [real * scale, imaginary * scale];
        }
    return [out];
  },
  // Opset 20 made the axis an input, and the last before the parts its default.
  upgrade: (node, { opset }) => (opset >= 20 ? [node] : [{ ...node, attrs: { axis: 1, ...node.attrs } }]),
  decompose: (parts) => {
    const [x] = parts.node.inputs;
    const t = transformOf(contextOf(parts));
    const { shape } = parts.type(x);
    const last = shape.length - 1;
    const others = shape.map((_, axis) => axis).filter((axis) => axis !== t.axis && axis !== last);
    const rows = parts.add("Transpose", [x], { perm: [...others, t.axis, last] });
    const flat = reshaped(parts, rows, [elementCount(others.map((axis) => shape[axis])), shape[t.axis] * t.parts]);
    const product = parts.add("MatMul", [flat, parts.value(tableOf(t, shape[t.axis]))]);
    const back = reshaped(parts, product, [...others.map((axis) => shape[axis]), t.bins, 2]);
    const order = [...others, t.axis, last];
    parts.add("Transpose", [back], { perm: order.map((_, axis) => order.indexOf(axis)) }, parts.node.outputs);
  },
  cases: [
    { name: "real", inputs: [wave([2, 9, 1])] },
    { name: "complex, axis 0", inputs: [wave([8, 3, 2])], attrs: { axis: 0 } },
    { name: "inverse", inputs: [wave([2, 5, 3, 2])], attrs: { axis: 1, inverse: 1 } },
    { name: "one-sided, longer", inputs: [wave([1, 10, 1]), i64([16], [])], attrs: { onesided: 1 }, constants: [1] },
    { name: "cut, axis as input", inputs: [wave([2, 10, 3, 1]), i64([7], []), i64([1], [])], constants: [1, 2] },
  ],
});

/** The matrix [samples · parts, bins · 2] of a transform; samples beyond its length do not count. */
function tableOf(t: Transform, length: number): Tensor {
  const data = new Float32Array(length * t.parts * t.bins * 2);
  const scale = t.inverse ? 1 / t.n : 1;
  for (let j = 0; j < t.samples; j++)
    for (let k = 0; k < t.bins; k++) {
      const [c, s] = turn(j, k, t.n, t.inverse).map((v) => v * scale);
      const row = [
        [c, s],
        [-s, c],
      ];
      for (let part = 0; part < t.parts; part++) data.set(row[part], ((j * t.parts + part) * t.bins + k) * 2);
    }
  return tensor("f32", data, [length * t.parts, t.bins * 2]);
}

interface Frames {
  readonly batch: number;
  readonly signal: number;
  readonly parts: number;
  readonly length: number;
  readonly step: number;
  readonly count: number;
  readonly bins: number;
}

function framesOf(ctx: InferContext): Frames {
  const [x, , window] = ctx.inputs as readonly (TensorType | undefined)[];
  const [batch, signal, parts = 1] = x!.shape;
  if (x!.shape.length < 2 || x!.shape.length > 3 || parts < 1 || parts > 2) throw new RangeError(`[${x!.shape}] is no batch of signals`);
  const [step] = optionalInts(ctx, 1, "the step") ?? [0];
  const [length] = optionalInts(ctx, 3, "the frame's length") ?? [window ? elementCount(window.shape) : signal];
  if (!(step >= 1) || !(length >= 1) || length > signal)
    throw new RangeError(`frames of ${length}, ${step} apart, do not fit a signal of ${signal}`);
  if (window && elementCount(window.shape) !== length) throw new RangeError(`a window [${window.shape}] does not fit frames of ${length}`);
  const bins = ctx.node.attrs.onesided === 1 ? Math.floor(length / 2) + 1 : length;
  return { batch, signal, parts, length, step, count: Math.floor((signal - length) / step) + 1, bins };
}

/** Transforms of frames of a signal, weighted by a window: a convolution whose kernels are the rows of the transform. */
export const STFT = defineOp({
  attrs: { onesided: attr.int(1) },
  arity: [2, 4],
  tolerance: 1e-4,
  infer: (ctx) => {
    const f = framesOf(ctx);
    return [{ dtype: ctx.inputs[0]!.dtype, shape: [f.batch, f.count, f.bins, 2] }];
  },
  eval: ({ node, inputs }) => {
    const [x, , window] = inputs;
    const f = framesOf({ node, inputs, constant: (i) => inputs[i] });
    const out = zeros({ dtype: x!.dtype, shape: [f.batch, f.count, f.bins, 2] });
    for (let at = 0; at < out.data.length; at += 2) {
      const k = (at / 2) % f.bins;
      const frame = Math.floor(at / 2 / f.bins);
      const first = (Math.floor(frame / f.count) * f.signal + (frame % f.count) * f.step) * f.parts;
      let [real, imaginary] = [0, 0];
      for (let j = 0; j < f.length; j++) {
        const [c, s] = turn(j, k, f.length, false).map((v) => v * (window ? window.data[j] : 1));
        const [a, b] = [x!.data[first + j * f.parts], f.parts === 2 ? x!.data[first + j * f.parts + 1] : 0];
        real += a * c - b * s;
        imaginary += a * s + b * c;
      }
      [out.data[at], out.data[at + 1]] = [real, imaginary];
    }
    return [out];
  },
  decompose: (parts) => {
    const [x, , window] = parts.node.inputs;
    const f = framesOf(contextOf(parts));
    const whole = { axis: 1, samples: f.length, n: f.length, bins: f.bins, parts: f.parts, inverse: false, shape: [] };
    const table = reshaped(parts, parts.value(tableOf(whole, f.length)), [f.length, f.parts, f.bins * 2]);
    const rows = parts.add("Transpose", [table], { perm: [2, 1, 0] });
    const kernel = window ? parts.add("Mul", [rows, reshaped(parts, window, [f.length])]) : rows;
    const channels = parts.add("Transpose", [reshaped(parts, x, [f.batch, f.signal, f.parts])], { perm: [0, 2, 1] });
    const frames = parts.add("Conv", [channels, kernel], { strides: [f.step] });
    const last = parts.add("Transpose", [frames], { perm: [0, 2, 1] });
    reshaped(parts, last, [f.batch, f.count, f.bins, 2], parts.node.outputs);
  },
  cases: [
    { name: "real", inputs: [wave([2, 32, 1]), i64([4], []), undefined, i64([8], [])], constants: [1, 3] },
    { name: "window", inputs: [wave([1, 30, 1]), i64([5], []), wave([9], 2)], constants: [1, 2] },
    { name: "complex, computed window", inputs: [wave([2, 20, 2]), i64([3], []), wave([8], 2)], attrs: { onesided: 0 }, constants: [1] },
  ],
});
