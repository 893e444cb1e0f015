import { ConvField, Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { elementCount, type TensorType, zeros } from "../tensor/index.ts";
import { attr, defineOp, type OpCase } from "./define.ts";
import { ACTIVATION, emitGemm, epilogueOf, finish, linearCase, linearInput, linearOutput } from "./linear.ts";
import type { Lowering } from "./lowering.ts";
import { axisStrides, eachTap, joinShape, NHWC_FROM_NCHW, WINDOW_ATTRS, type Window, windowOf } from "./window.ts";

function convWindow(node: Node, x: TensorType, w: TensorType): { window: Window; groups: number; outputs: number } {
  if (w.shape.length !== 4) throw new RangeError(`weights of rank ${w.shape.length}; only 2-D convolution is supported`);
  const [outputs, perGroup, kh, kw] = w.shape;
  const groups = node.attrs.group as number;
  const window = windowOf(node, x.shape, [kh, kw]);
  if (groups < 1 || perGroup * groups !== window.channels || outputs % groups !== 0) {
    throw new RangeError(`weights [${w.shape}] in ${groups} groups do not fit ${window.channels} input channels`);
  }
  return { window, groups, outputs };
}

const isDepthwise = (groups: number, channels: number, outputs: number): boolean => groups > 1 && groups === channels && groups === outputs;

/** A depthwise window is too small to repay quantizing its input while the model runs. */
function isDepthwiseConv(node: Node, x: TensorType, w: TensorType): boolean {
  const { window, groups, outputs } = convWindow(node, x, w);
  return isDepthwise(groups, window.channels, outputs);
}

/** 2-D convolution, with a fused activation. `layout` says how x and the output lie; the weights are always [out, in / group, kh, kw]. */
export const Conv = defineOp({
  attrs: { ...WINDOW_ATTRS, group: attr.int(1), ...ACTIVATION },
  arity: [2, 3],
  tolerance: 1e-5,
  infer({ node, inputs: [x, w, b] }) {
    const { window, outputs } = convWindow(node, x!, w!);
    if (b && elementCount(b.shape) !== outputs) throw new RangeError(`bias [${b.shape}] does not fit ${outputs} output channels`);
    return [linearOutput(node, joinShape(window.batch, outputs, window.out, node.attrs.layout))];
  },
  eval({ node, inputs: [x, w, b] }) {
    const { window, groups, outputs } = convWindow(node, x!, w!);
    const layout = node.attrs.layout;
    const out = zeros(linearOutput(node, joinShape(window.batch, outputs, window.out, layout)));
    const epilogue = epilogueOf(node, x!, w!, b?.data, outputs);
    const input = linearInput(x!, epilogue.form);
    const [xn, xc, xh, xw] = axisStrides(x!.shape, layout);
    const [yn, yc, yh, yw] = axisStrides(out.shape, layout);
    const perGroup = window.channels / groups;
    const taps = window.kernel[0] * window.kernel[1];
    for (let n = 0; n < window.batch; n++) {
      for (let r = 0; r < window.out[0]; r++) {
        for (let q = 0; q < window.out[1]; q++) {
          for (let o = 0; o < outputs; o++) {
            const first = Math.floor(o / (outputs / groups)) * perGroup;
            let acc = 0;
            eachTap(window, r, q, (tap, i, j) => {
              for (let c = 0; c < perGroup; c++) {
                const value = input.data[n * xn + (first + c) * xc + i * xh + j * xw] - input.zero;
                acc += value * w!.data[(o * perGroup + c) * taps + tap];
              }
            });
            out.data[n * yn + o * yc + r * yh + q * yw] = finish(epilogue, acc, o, input.scale);
          }
        }
      }
    }
    return [out];
  },
  permute: (node, perm) =>
    node.attrs.layout === "NCHW" && String(perm) === String(NHWC_FROM_NCHW)
      ? { attrs: { ...node.attrs, layout: "NHWC" }, inputs: "first", perm }
      : undefined,
  quantize: { kind: "linear", axis: () => 0, weightsOnly: isDepthwiseConv },
  macs: (_node, [, w], output) => (elementCount(output.shape) * elementCount(w!.shape)) / w!.shape[0],
  lower: lowerConv,
  cases: [
    ["3x3 padded", [1, 3, 5, 6], [4, 3, 3, 3], { pads: [1, 1, 1, 1] }],
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
  ].map(([name, x, w, attrs]) => linearCase(name as string, [x, w, [(w as number[])[0]]] as number[][], attrs as OpCase["attrs"])),
});

function lowerConv(ctx: Lowering): void {
  const { node } = ctx;
  const [x, weights, bias] = node.inputs;
  if (node.attrs.layout !== "NHWC") throw new RangeError("only NHWC has kernels");
  const tensor = ctx.constant(weights);
  if (!tensor) throw new RangeError("weights that are computed while the model runs are not supported");
  const { window, groups, outputs } = convWindow(node, ctx.type(x), tensor);
  const biases = bias ? ctx.constant(bias) : undefined;
  if (bias && !biases) throw new RangeError("a bias that is computed while the model runs is not supported");

  const perGroup = window.channels / groups;
  const taps = window.kernel[0] * window.kernel[1];
  const matrix = {
    tensor,
    n: outputs,
    k: perGroup * taps,
    m: window.batch * window.out[0] * window.out[1],
    groups,
    window,
    index: (o: number, r: number) => (o * perGroup + (r % perGroup)) * taps + Math.floor(r / perGroup),
  };
  const pointwise = taps === 1 && groups === 1 && [...window.stride, ...window.pad].every((v, i) => v === (i < 2 ? 1 : 0));
  if (pointwise) {
    emitGemm(ctx, ctx.linear("gemm", x, matrix, biases), matrix);
    return;
  }
  const depthwise = isDepthwise(groups, window.channels, outputs);
  const words = ctx.linear(depthwise ? "dwconv" : "conv", x, matrix, biases);
  const op = words.integer ? (depthwise ? Op.qs8_dwconv : Op.qs8_conv) : depthwise ? Op.f32_dwconv : Op.f32_conv;
  ctx.emit(op, {
    [ConvField.batch]: window.batch,
    [ConvField.in_h]: window.in[0],
    [ConvField.in_w]: window.in[1],
    [ConvField.in_c]: window.channels,
    [ConvField.out_h]: window.out[0],
    [ConvField.out_w]: window.out[1],
    [ConvField.out_c]: outputs,
    [ConvField.kernel_h]: window.kernel[0],
    [ConvField.kernel_w]: window.kernel[1],
    [ConvField.stride_h]: window.stride[0],
    [ConvField.stride_w]: window.stride[1],
    [ConvField.dilation_h]: window.dilation[0],
    [ConvField.dilation_w]: window.dilation[1],
    [ConvField.pad_top]: window.pad[0],
    [ConvField.pad_left]: window.pad[1],
    [ConvField.groups]: groups,
    [ConvField.a]: words.a,
    [ConvField.w]: words.w,
    [ConvField.bias]: words.bias,
    [ConvField.scale]: words.scale,
    [ConvField.c]: ctx.place(node.outputs[0]),
    [ConvField.lo]: words.lo,
    [ConvField.hi]: words.hi,
    [ConvField.a_zero]: words.a_zero,
    [ConvField.c_zero]: words.c_zero,
    [ConvField.c_size]: words.c_size,
    [ConvField.dynamic]: words.dynamic,
    [ConvField.scratch]: words.scratch,
  });
}
