import { Op, Pool, PoolField } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { requantize, type TensorType, zeros } from "../tensor/index.ts";
import { attr, defineOp, type OpDef, wave } from "./define.ts";
import { f32Bits, type Lowering } from "./lowering.ts";
import { axisStrides, eachTap, joinShape, NHWC_FROM_NCHW, WINDOW_ATTRS, type Window, windowOf } from "./window.ts";

/** The divisor of one average: taps inside the input, or inside the input and its padding. */
function divisor(w: Window, row: number, column: number, includePad: boolean): number {
  let count = 1;
  for (const [axis, position] of [row, column].entries()) {
    let inside = 0;
    for (let tap = 0; tap < w.kernel[axis]; tap++) {
      const at = position * w.stride[axis] - w.pad[axis] + tap * w.dilation[axis];
      const [first, end] = includePad ? [-w.pad[axis], w.in[axis] + w.pad[axis + 2]] : [0, w.in[axis]];
      if (at >= first && at < end) inside++;
    }
    count *= inside;
  }
  return count;
}

function pool(name: string, kind: Pool): OpDef {
  const max = kind === Pool.max;
  /** A maximum keeps the grid of its input, an average has its own. */
  const outputType = (node: Node, x: TensorType, w: Window): TensorType => {
    const quant = max ? x.quant : node.quant;
    return { dtype: quant ? "i8" : x.dtype, shape: joinShape(w.batch, w.channels, w.out, node.attrs.layout), ...(quant && { quant }) };
  };
  return defineOp({
    attrs: { ...WINDOW_ATTRS, ceil_mode: attr.int(0), ...(max ? { storage_order: attr.int(0) } : { count_include_pad: attr.int(0) }) },
    arity: [1, 1],
    tolerance: max ? "exact" : 1e-6,
    infer: ({ node, inputs: [x] }) => {
      if (node.outputs.length > 1) throw new RangeError("the output of indices is not supported");
      return [outputType(node, x!, windowOf(node, x!.shape))];
    },
    eval({ node, inputs: [x] }) {
      const w = windowOf(node, x!.shape);
      const out = zeros(outputType(node, x!, w));
      const [xn, xc, xh, xw] = axisStrides(x!.shape, node.attrs.layout);
      const [yn, yc, yh, yw] = axisStrides(out.shape, node.attrs.layout);
      const zero = max ? 0 : (x!.quant?.zero ?? 0);
      for (let n = 0; n < w.batch; n++) {
        for (let c = 0; c < w.channels; c++) {
          for (let r = 0; r < w.out[0]; r++) {
            for (let q = 0; q < w.out[1]; q++) {
              let value = max ? Number.NEGATIVE_INFINITY : 0;
              eachTap(w, r, q, (_, i, j) => {
                const tap = x!.data[n * xn + c * xc + i * xh + j * xw] - zero;
                value = max ? Math.max(value, tap) : value + tap;
              });
              if (!max) value = average(node, x!, value, divisor(w, r, q, node.attrs.count_include_pad === 1));
              out.data[n * yn + c * yc + r * yh + q * yw] = value;
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
    quantize: max ? { kind: "same" } : { kind: "rescale" },
    lower: (ctx) => lowerPool(ctx, kind),
    cases: [
      ["2x2", [1, 3, 6, 6], { kernel_shape: [2, 2], strides: [2, 2] }],
      ["3x3 padded", [2, 5, 7, 6], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
      ["ceil mode", [1, 2, 6, 6], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }],
      ["dilated", [1, 17, 8, 8], { kernel_shape: [2, 3], dilations: [2, 2] }],
      ["uneven padding", [1, 4, 5, 5], { kernel_shape: [3, 3], pads: [0, 0, 1, 2], ...(max ? {} : { count_include_pad: 1 }) }],
      ["SAME_LOWER", [1, 4, 5, 5], { kernel_shape: [2, 2], auto_pad: "SAME_LOWER" }],
      ["NHWC", [1, 5, 4, 7], { kernel_shape: [2, 2], layout: "NHWC" }],
    ].map(([title, shape, attrs]) => ({
      name: `${name} ${title}`,
      inputs: [wave(shape as number[])],
      attrs: attrs as Node["attrs"],
    })),
  });
}

/** A sum of integers less their zero, or of reals, as an average on the node's grid. */
export function average(node: Node, x: TensorType, sum: number, count: number): number {
  return node.quant ? requantize(sum, Math.fround(averageScale(node, x) / count), node.quant.zero) : sum / count;
}

/** Factor from the input's grid to the output's; 0 on reals. */
export function averageScale(node: Node, x: TensorType): number {
  return node.quant ? Math.fround(x.quant!.scale[0] / node.quant.scale[0]) : 0;
}

export const MaxPool = pool("MaxPool", Pool.max);
export const AveragePool = pool("AveragePool", Pool.average);

function lowerPool(ctx: Lowering, kind: Pool): void {
  const { node } = ctx;
  const x = ctx.type(node.inputs[0]);
  const w = windowOf(node, x.shape);
  if (node.attrs.layout !== "NHWC") throw new RangeError("only NHWC has kernels");
  if (x.dtype !== "f32" && !x.quant) throw new RangeError(`there is no kernel for ${x.dtype}`);
  ctx.emit(x.quant ? Op.qs8_pool : Op.f32_pool, {
    [PoolField.kind]: kind,
    [PoolField.batch]: w.batch,
    [PoolField.in_h]: w.in[0],
    [PoolField.in_w]: w.in[1],
    [PoolField.channels]: w.channels,
    [PoolField.out_h]: w.out[0],
    [PoolField.out_w]: w.out[1],
    [PoolField.kernel_h]: w.kernel[0],
    [PoolField.kernel_w]: w.kernel[1],
    [PoolField.stride_h]: w.stride[0],
    [PoolField.stride_w]: w.stride[1],
    [PoolField.dilation_h]: w.dilation[0],
    [PoolField.dilation_w]: w.dilation[1],
    [PoolField.pad_top]: w.pad[0],
    [PoolField.pad_left]: w.pad[1],
    [PoolField.pad_bottom]: w.pad[2],
    [PoolField.pad_right]: w.pad[3],
    [PoolField.include_pad]: node.attrs.count_include_pad === 1 ? 1 : 0,
    [PoolField.a]: ctx.place(node.inputs[0]),
    [PoolField.c]: ctx.place(node.outputs[0]),
    [PoolField.a_zero]: x.quant?.zero ?? 0,
    [PoolField.c_zero]: node.quant?.zero ?? 0,
    [PoolField.scale]: f32Bits(averageScale(node, x)),
  });
}
