import { Op, Pool, PoolField } from "../../assembly/shared/plan.ts";
import { PoolIndicesField } from "../../assembly/shared/sampling.ts";
import type { Node } from "../graph/graph.ts";
import { elementCount, I8_MIN, requantize, type Tensor, type TensorType, tensor, zeros } from "../tensor/index.ts";
import { reshaped } from "./conv-axes.ts";
import { attr, type Decomposition, defineOp, type OpCase, type OpDef, wave } from "./define.ts";
import { ELEMENT_CODES } from "./element-type.ts";
import { f32Bits, type Lowering } from "./lowering.ts";
import {
  axisStrides,
  eachPosition,
  joinShape,
  NHWC_FROM_NCHW,
  tapsAt,
  WINDOW_ATTRS,
  type Window,
  windowAttrs,
  windowOf,
} from "./window.ts";

/** The divisor of one average: taps inside the input, or inside the input and its padding. */
function divisor(w: Window, position: readonly number[], includePad: boolean): number {
  const rank = w.kernel.length;
  return position.reduce((count, p, axis) => {
    const [first, end] = includePad ? [-w.pad[axis], w.in[axis] + w.pad[axis + rank]] : [0, w.in[axis]];
    let inside = 0;
    for (let tap = 0; tap < w.kernel[axis]; tap++) {
      const at = p * w.stride[axis] - w.pad[axis] + tap * w.dilation[axis];
      if (at >= first && at < end) inside++;
    }
    return count * inside;
  }, 1);
}

/** An offset in a row-major plane as one in a column-major plane. */
function columnMajor(offset: number, sizes: readonly number[]): number {
  let [rest, at] = [offset, 0];
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    at += (rest % sizes[axis]) * elementCount(sizes.slice(0, axis));
    rest = Math.floor(rest / sizes[axis]);
  }
  return at;
}

function pool(name: string, kind: Pool): OpDef {
  const max = kind === Pool.max;
  /** A maximum keeps the grid of its input, an average has its own. */
  const outputType = (node: Node, x: TensorType, w: Window): TensorType => {
    const quant = max ? x.quant : node.quant;
    return {
      dtype: node.quant ? "i8" : x.dtype,
      shape: joinShape(w.batch, w.channels, w.out, node.attrs.layout),
      ...(quant && { quant }),
    };
  };
  return defineOp({
    attrs: { ...WINDOW_ATTRS, ceil_mode: attr.int(0), ...(max ? { storage_order: attr.int(0) } : { count_include_pad: attr.int(0) }) },
    arity: [1, 1],
    tolerance: max ? "exact" : 1e-6,
    infer: ({ node, inputs: [x] }) => {
      const type = outputType(node, x!, windowOf(node, x!.shape));
      return max ? [type, { dtype: "i64", shape: type.shape }] : [type];
    },
    eval({ node, inputs: [x] }) {
      const w = windowOf(node, x!.shape);
      const out = zeros(outputType(node, x!, w));
      const indices = zeros({ dtype: "i64", shape: out.shape });
      const from = axisStrides(x!.shape, node.attrs.layout);
      const to = axisStrides(out.shape, node.attrs.layout);
      const zero = max ? 0 : (x!.quant?.zero ?? 0);
      // Of a window that lies in the padding alone: as little as the type can say.
      const least = x!.dtype === "i8" ? I8_MIN : Number.NEGATIVE_INFINITY;
      eachPosition(w.out, (position) => {
        const inside = tapsAt(w, position, from.spatial);
        const count = max ? 1 : divisor(w, position, node.attrs.count_include_pad === 1);
        const place = position.reduce((sum, p, axis) => sum + p * to.spatial[axis], 0);
        for (let i = 0; i < w.batch * w.channels; i++) {
          const [n, c] = [Math.floor(i / w.channels), i % w.channels];
          const plane = n * from.batch + c * from.channel;
          let value: number = max ? least : 0;
          let largest = 0;
          for (const { offset } of inside) {
            const tap = x!.data[plane + offset] - zero;
            if (max && tap > value) largest = offset;
            value = max ? Math.max(value, tap) : value + tap;
          }
          const at = n * to.batch + c * to.channel + place;
          out.data[at] = max ? value : average(node, x!, value, count);
          indices.data[at] = plane + (node.attrs.storage_order ? columnMajor(largest, w.in) : largest);
        }
      });
      return max ? [out, indices] : [out];
    },
    permute: (node, perm) =>
      node.attrs.layout === "NCHW" && node.outputs.length === 1 && String(perm) === String(NHWC_FROM_NCHW)
        ? { attrs: { ...node.attrs, layout: "NHWC" }, inputs: "first", perm }
        : undefined,
    quantize: max ? { kind: "same" } : { kind: "rescale" },
    decompose: (parts) => takeApart(parts),
    lower: (ctx) => (ctx.node.outputs.length > 1 ? lowerIndices(ctx) : lowerPool(ctx, kind)),
    cases: casesOf(name, max),
  });
}

function casesOf(name: string, max: boolean): OpCase[] {
  const cases: [string, number[], OpCase["attrs"]][] = [
    ["2x2", [1, 3, 6, 6], { kernel_shape: [2, 2], strides: [2, 2] }],
    ["3x3 padded", [2, 5, 7, 6], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
    ["ceil mode", [1, 2, 6, 6], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }],
    ["dilated", [1, 17, 8, 8], { kernel_shape: [2, 3], dilations: [2, 2] }],
    ["uneven padding", [1, 4, 5, 5], { kernel_shape: [3, 3], pads: [0, 0, 1, 2], ...(max ? {} : { count_include_pad: 1 }) }],
    ["SAME_LOWER", [1, 4, 5, 5], { kernel_shape: [2, 2], auto_pad: "SAME_LOWER" }],
    ["NHWC", [1, 5, 4, 7], { kernel_shape: [2, 2], layout: "NHWC" }],
    ["1-D", [2, 3, 9], { kernel_shape: [3], strides: [2], pads: [1, 1] }],
    ["3-D", [1, 2, 5, 6, 4], { kernel_shape: [2, 3, 2], strides: [2, 1, 2], pads: [1, 0, 1, 0, 1, 0], ceil_mode: 1 }],
  ];
  const plain = cases.map(([title, shape, attrs]) => ({ name: `${name} ${title}`, inputs: [wave(shape)], attrs }));
  const bytes = (shape: number[]): Tensor =>
    tensor(
      "u8",
      wave(shape).data.map((v) => 100 + 99 * v),
      shape,
    );
  if (!max) return plain;
  const placed = plain.filter(({ attrs }) => attrs?.layout === undefined).map((c) => ({ ...c, name: `${c.name}, indices`, outputs: 2 }));
  return [
    ...plain,
    ...placed,
    ...placed.slice(-2).map((c) => ({ ...c, name: `${c.name} by column`, attrs: { ...c.attrs, storage_order: 1 } })),
    { name: "MaxPool bytes", inputs: [bytes([1, 2, 5, 5])], attrs: { kernel_shape: [3, 3] } },
  ];
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

/** Pools over one axis or three, and of bytes, by 2-D ones of reals; three axes are pooled two and then one. */
function takeApart(parts: Decomposition): void {
  const { node } = parts;
  const { op, attrs, outputs } = node;
  const [x] = node.inputs;
  const type = parts.type(x);
  const byte = type.dtype === "u8" || (type.dtype === "i8" && !type.quant);
  if (byte && outputs.length === 1) {
    const reals = parts.add(op, [parts.add("Cast", [x], { to: ELEMENT_CODES.f32 })], attrs);
    parts.add("Cast", [reals], { to: ELEMENT_CODES[type.dtype] }, outputs);
    return;
  }
  const w = windowOf(node, type.shape);
  const rank = w.kernel.length;
  if (outputs.length > 1 || rank === 2 || attrs.layout !== "NCHW") return;
  const { batch, channels } = w;
  const over = (axes: readonly (number | undefined)[], value: string, shape: readonly number[]) =>
    parts.add(op, [reshaped(parts, value, shape)], { ...attrs, ...windowAttrs(w, axes) });
  if (rank > 3) throw new RangeError(`pooling over ${rank} axes is not supported, only over 1 to 3`);
  const [depth, ...plane] = w.in;
  const last =
    rank === 1
      ? over([undefined, 0], x, [batch, channels, 1, depth])
      : over([0, undefined], over([1, 2], x, [batch, channels * depth, ...plane]), [batch, channels, depth, w.out[1] * w.out[2]]);
  reshaped(parts, last, [batch, channels, ...w.out], outputs);
}

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

/** A maximum with the place where it was, over up to three axes; those that are missing have size 1. */
function lowerIndices(ctx: Lowering): void {
  const { node } = ctx;
  const [x] = node.inputs;
  const type = ctx.type(x);
  const w = windowOf(node, type.shape);
  const missing = 3 - w.kernel.length;
  if (type.dtype !== "f32") throw new RangeError(`there is no kernel for indices of ${type.dtype}`);
  if (node.attrs.layout !== "NCHW" || missing < 0) throw new RangeError(`there is no kernel for indices over ${w.kernel.length} axes`);
  const axis = (list: readonly number[], i: number, absent: number) => (i < missing ? absent : list[i - missing]);
  ctx.emit(Op.pool_indices, {
    [PoolIndicesField.planes]: w.batch * w.channels,
    [PoolIndicesField.in_d]: axis(w.in, 0, 1),
    [PoolIndicesField.in_h]: axis(w.in, 1, 1),
    [PoolIndicesField.in_w]: axis(w.in, 2, 1),
    [PoolIndicesField.out_d]: axis(w.out, 0, 1),
    [PoolIndicesField.out_h]: axis(w.out, 1, 1),
    [PoolIndicesField.out_w]: axis(w.out, 2, 1),
    [PoolIndicesField.kernel_d]: axis(w.kernel, 0, 1),
    [PoolIndicesField.kernel_h]: axis(w.kernel, 1, 1),
    [PoolIndicesField.kernel_w]: axis(w.kernel, 2, 1),
    [PoolIndicesField.stride_d]: axis(w.stride, 0, 1),
    [PoolIndicesField.stride_h]: axis(w.stride, 1, 1),
    [PoolIndicesField.stride_w]: axis(w.stride, 2, 1),
    [PoolIndicesField.dilation_d]: axis(w.dilation, 0, 1),
    [PoolIndicesField.dilation_h]: axis(w.dilation, 1, 1),
    [PoolIndicesField.dilation_w]: axis(w.dilation, 2, 1),
    [PoolIndicesField.pad_d]: axis(w.pad, 0, 0),
    [PoolIndicesField.pad_h]: axis(w.pad, 1, 0),
    [PoolIndicesField.pad_w]: axis(w.pad, 2, 0),
    [PoolIndicesField.by_column]: node.attrs.storage_order ? 1 : 0,
    [PoolIndicesField.a]: ctx.place(x),
    [PoolIndicesField.c]: ctx.place(node.outputs[0]),
    [PoolIndicesField.indices]: ctx.place(node.outputs[1]),
  });
}
