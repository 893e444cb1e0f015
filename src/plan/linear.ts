/** Linear layers in the layouts that the kernels read: packed weights, bias and scale by panel, scratch, a dynamic input's quantization. */

import { F32_NR, QS8_NR } from "../../assembly/shared/layout.ts";
import { Op, QuantizeDynamicField } from "../../assembly/shared/plan.ts";
import { type Epilogue, epilogueOf } from "../ops/linear.ts";
import { f32Bits, type LinearKernel, type LinearWords, type Lowering, type Place, type WeightMatrix, type Word } from "../ops/lowering.ts";
import { type Block, dequantizeTensor, elementCount, scaleIndex, type Tensor } from "../tensor/index.ts";
import type { Buffers, Expansion, ImageBuffer } from "./buffers.ts";
import { f32ConvScratch, packF32Depthwise, packF32Gemm } from "./pack.ts";
import { blockCount, packBlocks, qbwScratch, spreadBlocks } from "./pack-qbw.ts";
import {
  packQs8Depthwise,
  packQs8Gemm,
  padChannels,
  qs8ConvScratch,
  qs8DepthwiseScratch,
  qs8GemmScratch,
  qs8WinogradScratch,
} from "./pack-qs8.ts";
import { sparseLayer } from "./sparse.ts";

/** A longer block's sum might not fit i32. */
const MAX_BLOCK = 65536;

/** Bytes of {f32 scale, i32 zero}, which a dynamic quantization writes. */
const DYNAMIC_BYTES = 8;

const WINOGRAD_TAPS = 9;

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
  if (epilogue.factor !== undefined) return blockWords(ctx, buffers, input, matrix, epilogue);
  const spread = (values: Float32Array | Int32Array | undefined): Word =>
    values ? ctx.image(integer ? padChannels(values, kernel === "dwconv" ? 1 : matrix.groups) : values) : 0;
  const bound = (value: number): number => (epilogue.form === "integer" ? value : f32Bits(value));
  const { a, dynamic } = epilogue.form === "dynamic" ? quantizeInput(ctx, input) : { a: ctx.place(input), dynamic: 0 };
  const sparse = sparseLayer(buffers, kernel, integer, matrix, rowsOf);
  const scratch = sparse ? sparse.scratch : scratchBytes(kernel, integer, matrix);
  return {
    integer,
    a,
    w: sparse ? sparse.w : buffers.packed(matrix.tensor.data, packWeights(kernel, integer, matrix)),
    bias: spread(epilogue.bias),
    scale: spread(epilogue.scale),
    lo: bound(epilogue.lo),
    hi: bound(epilogue.hi),
    a_zero: epilogue.form === "integer" || epilogue.form === "dequantize" ? type.quant!.zero : 0,
    c_zero: epilogue.zero,
    c_size: epilogue.form === "integer" ? 1 : 4,
    dynamic,
    scratch: scratch ? ctx.scratch(scratch) : 0,
    ...(sparse && { sparse: sparse.words }),
  };
}

/** A layer whose weights have a scale for each block; its kernel quantizes the input where that is f32. */
function blockWords(ctx: Lowering, buffers: Buffers, input: string, matrix: WeightMatrix, epilogue: Epilogue): LinearWords {
  const { tensor, n, k } = matrix;
  const { scale, block } = tensor.quant!;
  const size = Math.min(block!.size, Math.ceil(k / 8) * 8);
  if (size % 8 !== 0 || size > MAX_BLOCK)
    throw new RangeError(`weights in blocks of ${block!.size} have no integer kernel; of a multiple of 8 up to ${MAX_BLOCK} they have`);
  const blocks = Math.ceil(k / size);
  const at = scaleIndex(tensor.shape, tensor.quant!);
  const { bits, data, panels, zeros } = packBlocks(rowsOf(matrix) as Int8Array, n, k, size);
  const scales = spreadBlocks(
    new Float32Array(blockCount(n, blocks, QS8_NR)),
    blocks,
    n,
    QS8_NR,
    (o, b) => scale[at(matrix.index(o, b * size))],
  );
  const { quant } = ctx.type(input);
  const bound = (value: number): number => (epilogue.form === "integer" ? value : f32Bits(value));
  return {
    integer: true,
    a: ctx.place(input),
    w: buffers.packed(tensor.data, { data, panels }),
    scale: ctx.image(scales),
    bias: epilogue.bias ? ctx.image(padChannels(epilogue.bias)) : 0,
    lo: bound(epilogue.lo),
    hi: bound(epilogue.hi),
    a_zero: quant?.zero ?? 0,
    c_zero: epilogue.zero,
    c_size: epilogue.form === "integer" ? 1 : 4,
    dynamic: 0,
    scratch: ctx.scratch(qbwScratch(matrix.m, k, size)),
    blocks: { size, bits, a_size: quant ? 1 : 4, zeros: zeros ? ctx.image(zeros) : 0, factor: f32Bits(epilogue.factor!) },
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
  if (kernel === "winograd") return qs8WinogradScratch(k / WINOGRAD_TAPS, window!);
  if (kernel === "conv") return integer ? qs8ConvScratch(k / (window!.kernel[0] * window!.kernel[1]), window!) : f32ConvScratch(k, m);
  return integer ? qs8GemmScratch(k, m) : 0;
}

function packWeights(kernel: LinearKernel, integer: boolean, matrix: WeightMatrix): Omit<ImageBuffer, "kind" | "pooled"> {
  const { tensor, n, k, groups } = matrix;
  const rows = rowsOf(matrix);
  if (integer) {
    const packed = kernel === "dwconv" ? packQs8Depthwise(rows as Int8Array, n, k) : packQs8Gemm(rows as Int8Array, n, k, groups);
    return { data: packed, panels: { n: kernel === "dwconv" ? n : n / groups, k, lanes: QS8_NR, inner: 2 } };
  }
  const data = kernel === "dwconv" ? packF32Depthwise(rows, n, k) : packF32Gemm(rows, n, k, groups);
  const panels = kernel === "dwconv" ? undefined : { n: n / groups, k, lanes: F32_NR, inner: 1 };
  if (tensor.dtype !== "i8") return { data, panels };
  const expand = tensor.quant!.block ? blockExpansionOf(kernel, matrix, tensor.quant!.block) : expansionOf(kernel, matrix);
  return expand ? { data, expand, panels } : packWeights(kernel, integer, { ...matrix, tensor: dequantizeTensor(tensor) });
}

/** Weights as [n][k]. */
function rowsOf({ tensor, n, k, index }: WeightMatrix): Int8Array | Float32Array {
  const rows = new (tensor.dtype === "i8" ? Int8Array : Float32Array)(n * k);
  for (let o = 0; o < n; o++) for (let r = 0; r < k; r++) rows[o * k + r] = tensor.data[index(o, r)];
  return rows;
}

/** The same of weights in blocks; undefined where blocks are cut by the order in which panels hold weights. */
function blockExpansionOf(
  kernel: LinearKernel,
  { tensor, n, k, groups, window, index }: WeightMatrix,
  block: Block,
): Expansion | undefined {
  const perTap = k / (window ? elementCount(window.kernel) : 1);
  const size = Math.min(block.size, perTap);
  if (kernel === "dwconv" || groups !== 1 || perTap % size !== 0) return undefined;
  const at = scaleIndex(tensor.shape, tensor.quant!);
  let whole = true;
  const scale = spreadBlocks(new Float32Array(blockCount(n, k / size, F32_NR)), k / size, n, F32_NR, (o, b) => {
    const [first, last] = [at(index(o, b * size)), at(index(o, (b + 1) * size - 1))];
    whole &&= first === last;
    return tensor.quant!.scale[first];
  });
  return whole ? { scale, lanes: F32_NR, block: F32_NR * size } : undefined;
}

/** The scale of each lane as the unpacker steps through packed weights: by panels of outputs, or by all channels for depthwise. */
function expansionOf(kernel: LinearKernel, { tensor, n, k, groups }: WeightMatrix): Expansion {
  const scale = tensor.quant!.scale;
  const all = Float32Array.from({ length: n }, (_, c) => scale[scale.length === 1 ? 0 : c]);
  if (kernel === "dwconv") return { scale: all, lanes: n, block: n * k };
  return { scale: padChannels(all, groups, F32_NR), lanes: F32_NR, block: F32_NR * k };
}
