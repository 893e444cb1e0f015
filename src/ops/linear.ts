/**
 * What Conv, Gemm and MatMul share: the epilogue between an accumulator and the output, in its four forms
 * (docs/quantization.md). The form follows from the types alone:
 *
 * | input | weights | output | form |
 * |---|---|---|---|
 * | f32 | f32 | f32 | `float`, and that of integers that stand for nothing else |
 * | i8 | i8 | i8 | `integer` |
 * | i8 | i8 | f32 | `dequantize` |
 * | f32 | i8 | f32 | `dynamic`: the input is put on a grid of its own range first |
 */
import { F32_NR } from "../../assembly/shared/layout.ts";
import { GemmField, Op, PackField } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import {
  clamp,
  gridBounds,
  gridOfRange,
  type Quant,
  quantizeTensor,
  requantize,
  roundEven,
  type Tensor,
  type TensorType,
} from "../tensor/index.ts";
import { attr, type OpCase, wave } from "./define.ts";
import { f32Bits, type LinearWords, type Lowering, type Place, type Word } from "./lowering.ts";

const f32 = Math.fround;

/** Attributes of a fused activation: bounds on the output. */
export const ACTIVATION = { min: attr.float(Number.NEGATIVE_INFINITY), max: attr.float(Number.POSITIVE_INFINITY) };

/** Largest k whose worst accumulator, k · 255 · 127 and a bias, stays inside i32. */
export const MAX_INTEGER_K = Math.floor((2 ** 31 - 2 ** 30 - 1) / (255 * 127));

const MAX_BIAS = 2 ** 30;

export type LinearForm = "float" | "integer" | "dequantize" | "dynamic";

export function linearForm(a: TensorType, w: TensorType, quant: Quant | undefined): LinearForm {
  if (w.dtype !== "i8") return "float";
  if (a.dtype === "f32") return "dynamic";
  return quant ? "integer" : "dequantize";
}

/** Everything an epilogue needs, per output channel; `lo`, `hi` are integers on the output's grid for `integer`, reals otherwise. */
export interface Epilogue {
  readonly form: LinearForm;
  /** Factor of the accumulator; absent for `float`. For `dynamic` it is still to be multiplied by the input's scale. */
  readonly scale?: Float32Array;
  readonly bias?: Int32Array | Float32Array;
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
}

/** Throws RangeError where an operand is of integers that stand for nothing else. */
export function takeReals(...operands: readonly TensorType[]): void {
  for (const { dtype, quant } of operands) if (dtype !== "f32" && !quant) throw new RangeError(`takes reals, not ${dtype}`);
}

/** `channels` is the number of outputs, `bias` f32 with one element each. */
export function epilogueOf(node: Node, a: TensorType, w: TensorType, bias: ArrayLike<number> | undefined, channels: number): Epilogue {
  const form = linearForm(a, w, node.quant);
  const min = node.attrs.min as number;
  const max = node.attrs.max as number;
  const floats = bias && Float32Array.from(bias);
  if (form === "float") return { form, bias: floats, zero: 0, lo: min, hi: max };
  const weightScale = (c: number): number => w.quant!.scale[w.quant!.scale.length === 1 ? 0 : c];
  if (form === "dynamic")
    return { form, bias: floats, scale: Float32Array.from({ length: channels }, (_, c) => weightScale(c)), zero: 0, lo: min, hi: max };
  const product = Float32Array.from({ length: channels }, (_, c) => a.quant!.scale[0] * weightScale(c));
  if (form === "dequantize") return { form, bias: floats, scale: product, zero: 0, lo: min, hi: max };
  const { scale, zero } = node.quant!;
  return {
    form,
    scale: product.map((s) => s / scale[0]),
    bias: floats && Int32Array.from(floats, (b, c) => clamp(roundEven(b / product[c]), -MAX_BIAS, MAX_BIAS)),
    zero,
    ...gridBounds(node.quant!, min, max),
  };
}

/** The input as the accumulation reads it (quantized where the form is `dynamic`), its zero, and its runtime scale. */
export function linearInput(a: Tensor, form: LinearForm): { data: ArrayLike<number>; zero: number; scale: number } {
  if (form === "float") return { data: a.data, zero: 0, scale: 1 };
  const q = form === "dynamic" ? quantizeTensor(a, rangeGrid(a)) : a;
  return { data: q.data, zero: q.quant!.zero, scale: form === "dynamic" ? q.quant!.scale[0] : 1 };
}

/** One output from its accumulator. */
export function finish(e: Epilogue, acc: number, channel: number, inputScale: number): number {
  const bias = e.bias ? e.bias[channel] : 0;
  if (e.form === "integer") return requantize(acc + bias, e.scale![channel], e.zero, e.lo, e.hi);
  if (e.form === "float") return clamp(acc + bias, e.lo, e.hi);
  const scale = e.form === "dynamic" ? f32(inputScale * e.scale![channel]) : e.scale![channel];
  return clamp(f32(f32(f32(acc) * scale) + bias), e.lo, e.hi);
}

/** The type that a linear operator writes. */
export function linearOutput(node: Node, shape: readonly number[]): TensorType {
  return node.quant ? { dtype: "i8", shape, quant: node.quant } : { dtype: "f32", shape };
}

function rangeGrid(x: Tensor): Quant {
  let min = 0;
  let max = 0;
  for (const v of x.data) {
    if (v < min) min = v;
    if (v > max) max = v;
  }
  return gridOfRange(min, max);
}

/** Sizes of a matrix product; strides between rows and batches default to dense. */
export interface GemmShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch?: number;
  readonly a_step?: number;
  readonly w_step?: number;
  readonly c_step?: number;
  /** Where c begins, in place of the node's output. */
  readonly c?: Word;
}

export function emitGemm(ctx: Lowering, words: LinearWords, shape: GemmShape): void {
  ctx.emit(words.integer ? Op.qs8_gemm : Op.f32_gemm, {
    [GemmField.batch]: shape.batch ?? 1,
    [GemmField.m]: shape.m,
    [GemmField.n]: shape.n,
    [GemmField.k]: shape.k,
    [GemmField.a]: words.a,
    [GemmField.lda]: shape.k,
    [GemmField.a_step]: shape.a_step ?? 0,
    [GemmField.w]: words.w,
    [GemmField.w_step]: shape.w_step ?? 0,
    [GemmField.bias]: words.bias,
    [GemmField.scale]: words.scale,
    [GemmField.c]: shape.c ?? ctx.place(ctx.node.outputs[0]),
    [GemmField.ldc]: shape.n,
    [GemmField.c_step]: shape.c_step ?? 0,
    [GemmField.lo]: words.lo,
    [GemmField.hi]: words.hi,
    [GemmField.a_zero]: words.a_zero,
    [GemmField.c_zero]: words.c_zero,
    [GemmField.c_size]: words.c_size,
    [GemmField.dynamic]: words.dynamic,
    [GemmField.scratch]: words.scratch,
  });
}

/** A right-hand matrix that is computed while the model runs; steps and strides are elements. */
export interface ComputedMatrix {
  readonly n: number;
  readonly k: number;
  readonly k_stride: number;
  readonly n_stride: number;
  /** Matrices to pack, and elements from one to the next. */
  readonly batch: number;
  readonly step: number;
}

/** Packs computed f32 matrices; `w_step` is the elements between packed ones. */
export function packMatrix(ctx: Lowering, from: Place, matrix: ComputedMatrix): { w: Place; w_step: number } {
  const w_step = Math.ceil(matrix.n / F32_NR) * F32_NR * matrix.k;
  const w = ctx.scratch(matrix.batch * w_step * 4);
  ctx.emit(Op.f32_pack, {
    [PackField.batch]: matrix.batch,
    [PackField.n]: matrix.n,
    [PackField.k]: matrix.k,
    [PackField.b]: from,
    [PackField.b_step]: matrix.step,
    [PackField.k_stride]: matrix.k_stride,
    [PackField.n_stride]: matrix.n_stride,
    [PackField.w]: w,
    [PackField.w_step]: w_step,
  });
  return { w, w_step };
}

/** The words of an f32 layer whose weights lie packed at `w`. */
export function floatWords(ctx: Lowering, a: Place, w: Place, bias: Word): LinearWords {
  const [lo, hi] = [ctx.node.attrs.min, ctx.node.attrs.max].map((v) => f32Bits(v as number));
  return { integer: false, a, w, bias, scale: 0, lo, hi, a_zero: 0, c_zero: 0, c_size: 4, dynamic: 0, scratch: 0 };
}

/** A case of a linear operator from the shapes of its input, weights and bias. */
export function linearCase(name: string, shapes: readonly (readonly number[])[], attrs: OpCase["attrs"]): OpCase {
  return { name, inputs: shapes.map((shape, i) => wave(shape, i + 1)), attrs, constants: shapes.map((_, i) => i).slice(1) };
}
