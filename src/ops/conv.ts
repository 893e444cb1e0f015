import { PANEL_ROWS } from "../../assembly/shared/layout.ts";
import { Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { elementCount, stridesOf, type Tensor, type TensorType, zeros } from "../tensor/index.ts";
import { decomposeConv } from "./conv-axes.ts";
import { convFields, emitSparse } from "./conv-record.ts";
import { attr, defineOp, type OpCase } from "./define.ts";
import {
  ACTIVATION,
  blockCases,
  emitGemm,
  epilogueOf,
  finish,
  floatWords,
  LinearSum,
  linearCase,
  linearInput,
  linearOutput,
  packMatrix,
  takeBlocks,
  takeReals,
} from "./linear.ts";
import type { LinearWords, Lowering } from "./lowering.ts";
import { emitMove } from "./mover.ts";
import { axisStrides, eachPosition, joinShape, NHWC_FROM_NCHW, tapsAt, WINDOW_ATTRS, type Window, windowOf } from "./window.ts";

function convWindow(node: Node, x: TensorType, w: TensorType): { window: Window; groups: number; outputs: number } {
  if (w.shape.length !== x.shape.length) throw new RangeError(`weights [${w.shape}] do not fit an input of rank ${x.shape.length}`);
  const [outputs, perGroup, ...kernel] = w.shape;
  const groups = node.attrs.group as number;
  const window = windowOf(node, x.shape, kernel);
  if (groups < 1 || perGroup * groups !== window.channels || outputs % groups !== 0) {
    throw new RangeError(`weights [${w.shape}] in ${groups} groups do not fit ${window.channels} input channels`);
  }
  return { window, groups, outputs };
}

const isDepthwise = (groups: number, channels: number, outputs: number): boolean => groups > 1 && groups === channels && groups === outputs;

/** Where in [out, in / group, ...kernel] the weight of output o at step r lies, steps in the kernels' order: kernel position, then channel. */
export const convWeightIndex =
  (perGroup: number, taps: number) =>
  (o: number, r: number): number =>
    (o * perGroup + (r % perGroup)) * taps + Math.floor(r / perGroup);

/** A depthwise window is too small to repay quantizing its input while the model runs. */
function isDepthwiseConv(node: Node, x: TensorType, w: TensorType): boolean {
  const { window, groups, outputs } = convWindow(node, x, w);
  return isDepthwise(groups, window.channels, outputs);
}

/** The axis that weights may lie in blocks along: input channels, of layers that are matrix products. */
function blockAxis({ attrs }: Node, { shape }: TensorType): number | undefined {
  const all = (list: unknown, value: number): boolean => ((list as readonly number[] | undefined) ?? []).every((v) => v === value);
  return attrs.group === 1 && all(shape.slice(2), 1) && all(attrs.strides, 1) && all(attrs.pads, 0) ? 1 : undefined;
}

/**
 * Convolution over any number of axes, with a fused activation. `layout` says how x and the output lie; the weights are always
 * [out, in / group, ...kernel]. The kernels are 2-D.
 */
export const Conv = defineOp({
  attrs: { ...WINDOW_ATTRS, group: attr.int(1), ...ACTIVATION },
  arity: [2, 3],
  tolerance: 1e-5,
  infer({ node, inputs: [x, w, b] }) {
    takeReals(x!, w!);
    const { window, outputs } = convWindow(node, x!, w!);
    takeBlocks(w!, blockAxis(node, w!));
    if (b && elementCount(b.shape) !== outputs) throw new RangeError(`bias [${b.shape}] does not fit ${outputs} output channels`);
    return [linearOutput(node, joinShape(window.batch, outputs, window.out, node.attrs.layout))];
  },
  eval({ node, inputs: [x, w, b] }) {
    const { window, groups, outputs } = convWindow(node, x!, w!);
    const layout = node.attrs.layout;
    const out = zeros(linearOutput(node, joinShape(window.batch, outputs, window.out, layout)));
    const epilogue = epilogueOf(node, x!, w!, b?.data, outputs);
    const from = axisStrides(x!.shape, layout);
    const pixels = elementCount(window.in);
    const pixelOf = (index: number): number =>
      layout === "NHWC" ? Math.floor(index / window.channels) : Math.floor(index / from.batch) * pixels + (index % pixels);
    const input = linearInput(x!, w!, epilogue.form, window.batch * pixels, pixelOf);
    const sum = new LinearSum(w!);
    const to = axisStrides(out.shape, layout);
    const perGroup = window.channels / groups;
    const taps = elementCount(window.kernel);
    eachPosition(window.out, (position, pixel) => {
      const inside = tapsAt(window, position, from.spatial);
      const place = position.reduce((sum, p, axis) => sum + p * to.spatial[axis], 0);
      for (let n = 0; n < window.batch; n++) {
        for (let o = 0; o < outputs; o++) {
          const first = n * from.batch + Math.floor(o / (outputs / groups)) * perGroup * from.channel;
          for (const { tap, offset } of inside) {
            for (let c = 0; c < perGroup; c++) {
              const weight = (o * perGroup + c) * taps + tap;
              sum.add(input.data[first + c * from.channel + offset] * w!.data[weight], weight);
            }
          }
          out.data[n * to.batch + place + o * to.channel] = finish(epilogue, sum.take(), o, input.scale(n * pixels + pixel));
        }
      }
    });
    return [out];
  },
  permute: (node, perm) =>
    node.attrs.layout === "NCHW" && String(perm) === String(NHWC_FROM_NCHW)
      ? { attrs: { ...node.attrs, layout: "NHWC" }, inputs: "first", perm }
      : undefined,
  quantize: {
    kind: "linear",
    axis: (_node, { shape }) => (elementCount(shape) > 0 ? 0 : undefined),
    blockAxis,
    weightsOnly: isDepthwiseConv,
  },
  macs: (_node, [, w], output) => elementCount(output.shape) * elementCount(w!.shape.slice(1)),
  decompose: decomposeConv,
  lower: lowerConv,
  cases: [
    ["3x3 padded", [1, 3, 5, 6], [4, 3, 3, 3], { pads: [1, 1, 1, 1] }],
    ["3x3 padded, eight channels", [2, 8, 5, 7], [9, 8, 3, 3], { pads: [1, 1, 1, 1], min: 0 }],
    ["strided, uneven padding", [2, 3, 7, 6], [5, 3, 3, 2], { pads: [0, 1, 1, 0], strides: [2, 2] }],
    ["pointwise", [1, 8, 3, 3], [17, 8, 1, 1], {}],
    ["pointwise, strided", [1, 5, 5, 5], [9, 5, 1, 1], { strides: [2, 2] }],
    ["depthwise", [1, 19, 6, 5], [19, 1, 3, 3], { group: 19, pads: [1, 1, 1, 1], max: 1, min: 0 }],
    ["depthwise 5x5 dilated", [1, 4, 12, 12], [4, 1, 5, 5], { group: 4, dilations: [2, 2], pads: [4, 4, 4, 4] }],
    ["groups", [1, 6, 4, 4], [9, 2, 3, 3], { group: 3 }],
    ["channel multiplier", [1, 3, 4, 4], [6, 1, 3, 3], { group: 3, min: -0.5, max: 0.5 }],
    ["dilated", [1, 2, 9, 9], [3, 2, 3, 3], { dilations: [2, 3] }],
    ["SAME_UPPER", [1, 2, 5, 5], [3, 2, 4, 4], { auto_pad: "SAME_UPPER", strides: [2, 2] }],
    ["NHWC", [1, 5, 6, 3], [4, 3, 3, 3], { layout: "NHWC", pads: [1, 1, 1, 1] }],
    ["1-D", [2, 3, 9], [4, 3, 3], { pads: [1, 0], strides: [2] }],
    ["1-D depthwise, dilated", [1, 5, 9], [5, 1, 3], { group: 5, dilations: [2], auto_pad: "SAME_LOWER" }],
    ["3-D", [2, 2, 4, 5, 6], [3, 2, 2, 3, 2], { pads: [1, 0, 0, 0, 1, 1], strides: [1, 2, 1] }],
    ["3-D groups, dilated", [1, 4, 5, 4, 4], [6, 2, 2, 2, 2], { group: 2, dilations: [2, 1, 2], strides: [2, 1, 1] }],
    ["3-D depthwise", [1, 3, 4, 4, 4], [3, 1, 3, 3, 3], { group: 3, pads: [1, 1, 1, 1, 1, 1] }],
  ]
    .map(([name, x, w, attrs]) => linearCase(name as string, [x, w, [(w as number[])[0]]] as number[][], attrs as OpCase["attrs"]))
    .flatMap((example) => [example, { ...example, name: `${example.name}, computed weights`, constants: [] }])
    .concat(blockCases([2, 24, 3, 2], [5, 24, 1, 1], 1, { min: -1 })),
});

const INTEGER_OPS = { conv: Op.qs8_conv, winograd: Op.qs8_winograd, dwconv: Op.qs8_dwconv } as const;

/** Products of a tile of 2×2 outputs by Winograd's method, in place of 36. */
const WINOGRAD_PRODUCTS = 16;
/** How much fewer they must be, since the transforms cost time too. */
const WINOGRAD_GAIN = 1.25;
/** Most input channels for which 4 times an accumulator fits an i32. */
const WINOGRAD_CHANNELS = Math.floor((2 ** 31 - 1) / (4 * 9 * 255 * 127));

function kernelOf(
  { channels, kernel, stride, dilation, out }: Window,
  groups: number,
  outputs: number,
  integer: boolean,
): keyof typeof INTEGER_OPS {
  if (isDepthwise(groups, channels, outputs)) return "dwconv";
  const plain = groups === 1 && kernel.every((size) => size === 3) && [...stride, ...dilation].every((step) => step === 1);
  if (!integer || !plain || channels % 8 !== 0 || channels > WINOGRAD_CHANNELS) return "conv";
  const tiles = elementCount(out.map((size) => Math.ceil(size / 2)));
  return 9 * elementCount(out) > WINOGRAD_GAIN * WINOGRAD_PRODUCTS * tiles ? "winograd" : "conv";
}

function lowerConv(ctx: Lowering): void {
  const { node } = ctx;
  const [x, weights, bias] = node.inputs;
  if (node.attrs.layout !== "NHWC") throw new RangeError("only NHWC has kernels");
  const { window, groups, outputs } = convWindow(node, ctx.type(x), ctx.type(weights));
  const biases = bias ? ctx.constant(bias) : undefined;
  if (bias && !biases) throw new RangeError("a bias that is computed while the model runs is not supported");

  const perGroup = window.channels / groups;
  const taps = elementCount(window.kernel);
  const tensor = ctx.constant(weights);
  const matrix = tensor && {
    tensor,
    n: outputs,
    k: perGroup * taps,
    m: window.batch * window.out[0] * window.out[1],
    groups,
    window,
    index: convWeightIndex(perGroup, taps),
  };
  const pointwise = taps === 1 && groups === 1 && [...window.stride, ...window.pad].every((v, i) => v === (i < 2 ? 1 : 0));
  if (pointwise && matrix) {
    emitGemm(ctx, ctx.linear("gemm", x, matrix, biases), matrix);
    return;
  }
  const kernel = kernelOf(window, groups, outputs, ctx.type(weights).dtype === "i8");
  const words = matrix ? ctx.linear(kernel, x, matrix, biases) : computedWeights(ctx, window, groups, biases);
  const op = words.integer ? INTEGER_OPS[kernel] : kernel === "dwconv" ? Op.f32_dwconv : Op.f32_conv;
  const geometry = { window, groups, outputs };
  if (words.sparse) emitSparse(ctx, words, words.sparse, geometry);
  else ctx.emit(op, convFields(ctx, words, geometry));
}

/** Weights that are computed while the model runs, brought into the order [tap][channel] that the kernels read, and packed in panels. */
function computedWeights(ctx: Lowering, window: Window, groups: number, bias: Tensor | undefined): LinearWords {
  const [x, weights] = ctx.node.inputs;
  const { shape } = ctx.type(weights);
  const [outputs, perGroup] = shape;
  const taps = elementCount(window.kernel);
  const source = ctx.place(weights);
  const turned = ctx.scratch(4 * elementCount(shape));
  const biases = bias ? ctx.image(Float32Array.from(bias.data)) : 0;
  const turn = (dims: readonly number[], srcStrides: readonly number[]): void =>
    emitMove(ctx, { input: 1, output: 0, dims, src: 0, srcStrides, dst: 0, dstStrides: stridesOf(dims) }, source, turned, 4);
  if (isDepthwise(groups, window.channels, outputs)) {
    turn([taps, outputs], [1, taps]);
    return floatWords(ctx, ctx.place(x), turned, biases);
  }
  const k = taps * perGroup;
  const n = outputs / groups;
  turn([outputs, taps, perGroup], [k, 1, taps]);
  const { w } = packMatrix(ctx, turned, { n, k, k_stride: 1, n_stride: k, batch: groups, step: n * k });
  const scratch = ctx.scratch(4 * k * Math.min(PANEL_ROWS, window.batch * elementCount(window.out)));
  return { ...floatWords(ctx, ctx.place(x), w, biases), scratch };
}
