/** Linear layers in the layouts that the kernels read: packed weights, bias and scale by panel, scratch, a dynamic input's quantization. */

import { F32_NR, QS8_NR } from "../../assembly/shared/layout.ts";
import { Op, QuantizeDynamicField } from "../../assembly/shared/plan.ts";
import { epilogueOf } from "../ops/linear.ts";
import { f32Bits, type LinearKernel, type LinearWords, type Lowering, type Place, type WeightMatrix, type Word } from "../ops/lowering.ts";
import { elementCount, type Tensor } from "../tensor/index.ts";
import type { Buffers, Expansion, ImageBuffer } from "./buffers.ts";
import { f32ConvScratch, packF32Depthwise, packF32Gemm } from "./pack.ts";
import { packQs8Depthwise, packQs8Gemm, padChannels, qs8ConvScratch, qs8DepthwiseScratch, qs8GemmScratch } from "./pack-qs8.ts";

/** Bytes of {f32 scale, i32 zero}, which a dynamic quantization writes. */
const DYNAMIC_BYTES = 8;

export function lowerLinear(
  ctx: Lowering,
  buffers: Buffers,
  kernel: LinearKernel,
  input: string,
  matrix: WeightMatrix,
  bias: Tensor | undefined,
): LinearWords {
  const type = ctx.type(input);
  const weightType = { ...matrix.tensor, dtype: ctx.type(ctx.node.inputs[1]).dtype };
  const epilogue = epilogueOf(ctx.node, type, weightType, bias?.data, matrix.n);
  const integer = epilogue.form !== "float";
  const spread = (values: Float32Array | Int32Array | undefined): Word =>
    values ? ctx.image(integer ? padChannels(values, kernel === "dwconv" ? 1 : matrix.groups) : values) : 0;
  const bound = (value: number): number => (epilogue.form === "integer" ? value : f32Bits(value));
  const { a, dynamic } = epilogue.form === "dynamic" ? quantizeInput(ctx, input) : { a: ctx.place(input), dynamic: 0 };
  const scratch = scratchBytes(kernel, integer, matrix);
  return {
    integer,
    a,
    w: buffers.packed(matrix.tensor.data, packWeights(kernel, integer, matrix)),
    bias: spread(epilogue.bias),
    scale: spread(epilogue.scale),
    lo: bound(epilogue.lo),
    hi: bound(epilogue.hi),
    a_zero: epilogue.form === "integer" || epilogue.form === "dequantize" ? type.quant!.zero : 0,
    c_zero: epilogue.zero,
    c_size: epilogue.form === "integer" ? 1 : 4,
    dynamic,
    scratch: scratch ? ctx.scratch(scratch) : 0,
  };
}

function quantizeInput(ctx: Lowering, input: string): { a: Place; dynamic: Place } {
  const n = elementCount(ctx.type(input).shape);
  const a = ctx.scratch(n);
  const dynamic = ctx.scratch(DYNAMIC_BYTES);
  ctx.emit(Op.qs8_quantize_dynamic, {
    [QuantizeDynamicField.n]: n,
    [QuantizeDynamicField.a]: ctx.place(input),
    [QuantizeDynamicField.c]: a,
    [QuantizeDynamicField.dynamic]: dynamic,
  });
  return { a, dynamic };
}

function scratchBytes(kernel: LinearKernel, integer: boolean, { m, n, k, window }: WeightMatrix): number {
  if (kernel === "dwconv") return integer ? qs8DepthwiseScratch(n, window!) : 0;
  if (kernel === "conv") return integer ? qs8ConvScratch(k, m) : f32ConvScratch(k, m);
  return integer ? qs8GemmScratch(k, m) : 0;
}

function packWeights(kernel: LinearKernel, integer: boolean, matrix: WeightMatrix): Omit<ImageBuffer, "kind" | "pooled"> {
  const { tensor, n, k, groups } = matrix;
  const rows = new (tensor.dtype === "i8" ? Int8Array : Float32Array)(n * k);
  for (let o = 0; o < n; o++) for (let r = 0; r < k; r++) rows[o * k + r] = tensor.data[matrix.index(o, r)];
  if (integer) {
    const packed = kernel === "dwconv" ? packQs8Depthwise(rows as Int8Array, n, k) : packQs8Gemm(rows as Int8Array, n, k, groups);
    return { data: packed, panels: { n: kernel === "dwconv" ? n : n / groups, k, lanes: QS8_NR, inner: 2 } };
  }
  const data = kernel === "dwconv" ? packF32Depthwise(rows, n, k) : packF32Gemm(rows, n, k, groups);
  const panels = kernel === "dwconv" ? undefined : { n: n / groups, k, lanes: F32_NR, inner: 1 };
  if (tensor.dtype !== "i8") return { data, panels };
  return { data, expand: expansionOf(kernel, matrix), panels };
}

/** The scale of each lane as the unpacker steps through packed weights: by panels of outputs, or by all channels for depthwise. */
function expansionOf(kernel: LinearKernel, { tensor, n, k, groups }: WeightMatrix): Expansion {
  const scale = tensor.quant!.scale;
  const all = Float32Array.from({ length: n }, (_, c) => scale[scale.length === 1 ? 0 : c]);
  if (kernel === "dwconv") return { scale: all, lanes: n, block: n * k };
  return { scale: padChannels(all, groups, F32_NR), lanes: F32_NR, block: F32_NR * k };
}
