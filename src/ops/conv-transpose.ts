import type { Node } from "../graph/graph.ts";
import { clamp, elementCount, i64, type TensorType, zeros } from "../tensor/index.ts";
import { reshaped } from "./conv-axes.ts";
import { attr, type Decomposition, defineOp, type OpCase } from "./define.ts";
import { ACTIVATION, linearCase } from "./linear.ts";
import { eachPosition, kernelOf, padsOf, perAxis } from "./window.ts";

/** The geometry along each spatial axis. */
interface Spread {
  readonly batch: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  readonly in: readonly number[];
  readonly out: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Elements cut off before the first output. */
  readonly before: readonly number[];
}

function spreadOf(node: Node, x: TensorType, w: TensorType): Spread {
  const [batch, channels, ...size] = x.shape;
  const [inputs, perGroup, ...ofWeights] = w.shape;
  const rank = size.length;
  const groups = node.attrs.group as number;
  if (rank < 1 || w.shape.length !== x.shape.length)
    throw new RangeError(`weights [${w.shape}] do not fit an input of rank ${x.shape.length}`);
  if (inputs !== channels || groups < 1 || channels % groups !== 0)
    throw new RangeError(`weights [${w.shape}] in ${groups} groups do not fit ${channels} input channels`);
  const kernel = kernelOf(node, rank, ofWeights);
  const stride = perAxis(node, "strides", rank, 1);
  const dilation = perAxis(node, "dilations", rank, 1);
  const given = padsOf(node, rank);
  const mode = node.attrs.auto_pad as string;
  const same = mode === "SAME_UPPER" || mode === "SAME_LOWER";
  if (!same && mode !== "NOTSET" && mode !== "VALID") throw new RangeError(`auto_pad ${mode} is unknown`);
  const extra = (node.attrs.output_padding as readonly number[] | undefined) ?? [];
  const wanted = ((node.attrs.output_shape as readonly number[] | undefined) ?? []).slice(-rank);
  if ((extra.length && extra.length !== rank) || (wanted.length && wanted.length !== rank) || extra.some((p) => p < 0))
    throw new RangeError(`output_padding [${extra}] and output_shape [${wanted}] must have ${rank} numbers, none negative`);

  const axes = size.map((n, i) => {
    const full = (n - 1) * stride[i] + (extra[i] ?? 0) + (kernel[i] - 1) * dilation[i] + 1;
    const target = wanted.length ? wanted[i] : same ? n * stride[i] : undefined;
    if (target === undefined) {
      const [before, after] = mode === "VALID" ? [0, 0] : [given[i], given[i + rank]];
      return { out: full - before - after, before };
    }
    const total = Math.max(0, full - target);
    return { out: target, before: mode === "SAME_UPPER" ? total >> 1 : (total + 1) >> 1 };
  });
  if (axes.some(({ out }) => !(out >= 1))) throw new RangeError(`pads [${given}] leave nothing of the output`);
  const [out, before] = [axes.map((a) => a.out), axes.map((a) => a.before)];
  return { batch, channels, outputs: perGroup * groups, groups, in: size, out, kernel, stride, dilation, before };
}

/** The gradient of a convolution as an operator: each input element adds the kernel to the output. Weights are [in, out / group, ...kernel]. */
export const ConvTranspose = defineOp({
  attrs: {
    auto_pad: attr.string("NOTSET"),
    dilations: attr.ints(),
    group: attr.int(1),
    kernel_shape: attr.ints(),
    output_padding: attr.ints(),
    output_shape: attr.ints(),
    pads: attr.ints(),
    strides: attr.ints(),
    ...ACTIVATION,
  },
  arity: [2, 3],
  tolerance: 1e-5,
  infer: ({ node, inputs: [x, w, b] }) => {
    const { batch, outputs, out } = spreadOf(node, x!, w!);
    if (b && elementCount(b.shape) !== outputs) throw new RangeError(`bias [${b.shape}] does not fit ${outputs} output channels`);
    return [{ dtype: x!.dtype, shape: [batch, outputs, ...out] }];
  },
  eval: ({ node, inputs: [x, w, b] }) => {
    const s = spreadOf(node, x!, w!);
    const y = zeros({ dtype: x!.dtype, shape: [s.batch, s.outputs, ...s.out] });
    const [perGroup, inGroup] = [s.outputs / s.groups, s.channels / s.groups];
    const [plane, image, taps] = [elementCount(s.in), elementCount(s.out), elementCount(s.kernel)];
    const sums = new Float64Array(y.data.length);
    eachPosition(s.in, (position, from) => {
      eachPosition(s.kernel, (tap, k) => {
        let to = 0;
        for (const [axis, n] of s.out.entries()) {
          const at = position[axis] * s.stride[axis] + tap[axis] * s.dilation[axis] - s.before[axis];
          if (at < 0 || at >= n) return;
          to = to * n + at;
        }
        for (let n = 0; n < s.batch; n++)
          for (let c = 0; c < s.channels; c++)
            for (let o = 0; o < perGroup; o++) {
              const channel = Math.floor(c / inGroup) * perGroup + o;
              sums[(n * s.outputs + channel) * image + to] +=
                x!.data[(n * s.channels + c) * plane + from] * w!.data[(c * perGroup + o) * taps + k];
            }
      });
    });
    const { min, max } = node.attrs as Record<string, number>;
    sums.forEach((sum, i) => {
      y.data[i] = clamp(sum + (b ? b.data[Math.floor(i / image) % s.outputs] : 0), min, max);
    });
    return [y];
  },
  macs: (_node, [x, w]) => elementCount(x!.shape) * elementCount(w!.shape.slice(1)),
  decompose: takeApart,
  cases: [
    ["2-D", [1, 2, 3, 3], [2, 3, 3, 3], {}],
    ["strided, padded", [2, 3, 4, 3], [3, 2, 3, 4], { strides: [2, 3], pads: [1, 2, 0, 1], output_padding: [1, 0] }],
    ["kernel as large as the stride", [1, 4, 3, 5], [4, 6, 2, 2], { strides: [2, 2], max: 1 }],
    ["groups", [1, 4, 3, 3], [4, 3, 3, 3], { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] }],
    ["depthwise", [1, 5, 4, 4], [5, 1, 4, 4], { group: 5, strides: [2, 2], pads: [1, 1, 1, 1] }],
    ["dilated", [1, 2, 3, 4], [2, 2, 3, 2], { dilations: [2, 3], strides: [1, 2] }],
    ["output_shape", [1, 1, 3, 3], [1, 2, 3, 3], { strides: [3, 2], output_shape: [10, 8] }],
    ["SAME_LOWER", [1, 1, 3, 3], [1, 2, 4, 3], { strides: [2, 2], auto_pad: "SAME_LOWER" }],
    ["kernel smaller than the stride", [1, 2, 3, 2], [2, 2, 1, 2], { strides: [3, 3] }],
    ["1-D", [1, 2, 5], [2, 3, 4], { strides: [2], pads: [1, 1] }],
    ["3-D", [1, 2, 2, 3, 2], [2, 2, 2, 3, 2], { strides: [2, 1, 2] }],
  ]
    .map(([name, x, w, attrs]) => {
      const outputs = (w as number[])[1] * (((attrs as OpCase["attrs"])?.group as number) ?? 1);
      return linearCase(name as string, [x, w, [outputs]] as number[][], attrs as OpCase["attrs"]);
    })
    .flatMap((example) => [example, { ...example, name: `${example.name}, computed weights`, constants: [] }]),
});

/**
 * Outputs whose places leave the same remainder by the stride read the same taps, so each such phase is a convolution of its own. All phases are computed
 * at once, as output channels of one convolution at the input's resolution, and then put side by side: nothing is multiplied by
 * zeros between the inputs (sub-pixel convolution, Shi et al. 2016).
 */
function takeApart(parts: Decomposition): void {
  const { node } = parts;
  const [x, w, bias = ""] = node.inputs;
  const s = spreadOf(node, parts.type(x), parts.type(w));
  const taps = s.kernel.map((k, i) => Math.ceil(((k - 1) * s.dilation[i] + 1) / s.stride[i]));
  const skipped = s.before.map((before, i) => Math.min(Math.floor(before / s.stride[i]), taps[i] - 1));
  const beyond = s.out.map((out, i) => Math.max(0, Math.ceil((s.before[i] + out) / s.stride[i]) - s.in[i]));
  const length = s.in.map((n, i) => n + beyond[i] - skipped[i]);
  const phases = elementCount(s.stride);
  const perGroup = s.outputs / s.groups;

  const biases = bias && repeatedBias(parts, bias, [s.groups, phases, perGroup]);
  const y = parts.add("Conv", [x, phaseWeights(parts, w, s, taps), biases], {
    group: s.groups,
    pads: [...taps.map((k, i) => k - 1 - skipped[i]), ...beyond],
    min: node.attrs.min,
    max: node.attrs.max,
  });
  const image = phases === 1 ? y : sideBySide(parts, y, s, length);
  const first = s.before.map((before, i) => before - skipped[i] * s.stride[i]);
  const end = s.out.map((out, i) => first[i] + out);
  const axes = s.out.map((_, i) => i + 2);
  const whole = first.every((f, i) => f === 0 && end[i] === length[i] * s.stride[i]);
  if (whole) parts.add("Identity", [image], {}, node.outputs);
  else parts.add("Slice", [image, ...[first, end, axes, axes.map(() => 1)].map((list) => parts.value(i64(list)))], {}, node.outputs);
}

/** [in, out / group, ...kernel] as [group · phases · out / group, in / group, ...taps]: the taps of a phase are `stride` apart, and in reverse. */
function phaseWeights(parts: Decomposition, w: string, s: Spread, taps: readonly number[]): string {
  const rank = taps.length;
  const [channels, perGroup] = parts.type(w).shape;
  const padded = (value: string, after: readonly number[]): string =>
    after.every((p) => p === 0) ? value : parts.add("Pad", [value, parts.value(i64([...after.map(() => 0), ...after]))]);
  let value = w;
  if (s.dilation.some((d) => d > 1)) {
    const apart = reshaped(parts, w, [channels, perGroup, ...s.kernel.flatMap((k) => [k, 1])]);
    const filled = padded(apart, [0, 0, ...s.dilation.flatMap((d) => [0, d - 1])]);
    value = reshaped(parts, filled, [channels, perGroup, ...s.kernel.map((k, i) => k * s.dilation[i])]);
  }
  value = padded(value, [0, 0, ...taps.map((k, i) => k * s.stride[i] - s.kernel[i] * s.dilation[i])]);
  value = reshaped(parts, value, [s.groups, channels / s.groups, perGroup, ...taps.flatMap((k, i) => [k, s.stride[i]])]);
  const [tapAxes, phaseAxes] = [0, 1].map((odd) => taps.map((_, i) => 3 + 2 * i + odd));
  value = parts.add("Transpose", [value], { perm: [0, ...phaseAxes, 2, 1, ...tapAxes] });
  const last = taps.map((_, i) => 3 + rank + i);
  const reverse = [taps.map(() => -1), taps.map(() => -(2 ** 31)), last, taps.map(() => -1)];
  value = parts.add("Slice", [value, ...reverse.map((list) => parts.value(i64(list)))]);
  return reshaped(parts, value, [s.outputs * elementCount(s.stride), channels / s.groups, ...taps]);
}

function repeatedBias(parts: Decomposition, bias: string, [groups, phases, perGroup]: readonly number[]): string {
  const repeated = parts.add("Tile", [reshaped(parts, bias, [groups, 1, perGroup]), parts.value(i64([1, phases, 1]))]);
  return reshaped(parts, repeated, [groups * phases * perGroup]);
}

/** Phases from channels to places, by way of channels last, so that an image in NHWC is moved once. */
function sideBySide(parts: Decomposition, y: string, s: Spread, length: readonly number[]): string {
  const rank = length.length;
  const spatial = length.map((_, i) => i + 1);
  const last = parts.add("Transpose", [y], { perm: [0, ...spatial.map((axis) => axis + 1), 1] });
  const apart = reshaped(parts, last, [s.batch, ...length, s.groups, ...s.stride, s.outputs / s.groups]);
  const interleaved = spatial.flatMap((axis) => [axis, axis + rank + 1]);
  const moved = parts.add("Transpose", [apart], { perm: [0, ...interleaved, rank + 1, 2 * rank + 2] });
  const image = reshaped(parts, moved, [s.batch, ...length.map((n, i) => n * s.stride[i]), s.outputs]);
  return parts.add("Transpose", [image], { perm: [0, rank + 1, ...spatial] });
}
