/**
 * What Conv, Gemm and MatMul share: the epilogue between an accumulator and the output, in its four forms
 * (docs/quantization.md). The form follows from the types alone:
 *
 * | input | weights | output | form |
 * |---|---|---|---|
 * | f32 | f32 | f32 | `float`, and that of integers that stand for nothing else |
 * | i8 | i8 | i8 | `integer` |
 * | i8 | i8 | f32 | `dequantize` |
 * | f32 | i8 | f32 | `dynamic`: the input is put on a grid of its own range first, or row by row before weights in blocks |
 */
import { F32_NR } from "../../assembly/shared/layout.ts";
import { BlockGemmField, GemmField, Op, PackField } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import {
  clamp,
  gridBounds,
  gridOfRange,
  type Quant,
  quantizeTensor,
  quantizeValue,
  quantizeWeights,
  requantize,
  roundEven,
  scaleIndex,
  type Tensor,
  type TensorType,
} from "../tensor/index.ts";
import { emitSparse, productGeometry } from "./conv-record.ts";
import { attr, type OpCase, wave } from "./define.ts";
import { type BlockWords, f32Bits, type LinearWords, type Lowering, type Place, type Word } from "./lowering.ts";

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
  /** Of weights in blocks, whose scales are in the sum: its factor, in place of `scale`. 1 for `dynamic`, where it is the row's scale. */
  readonly factor?: number;
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
  if (w.quant!.block) {
    const input = form === "dynamic" ? 1 : a.quant!.scale[0];
    if (form !== "integer") return { form, factor: input, bias: floats, zero: 0, lo: min, hi: max };
    const { scale, zero } = node.quant!;
    return { form, factor: f32(input / scale[0]), bias: floats?.map((b) => b / scale[0]), zero, ...gridBounds(node.quant!, min, max) };
  }
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

/** An input as the accumulation reads it: less its zero, with the scale that is found while the model runs, 1 where there is none. */
export interface LinearInput {
  readonly data: ArrayLike<number>;
  scale(row: number): number;
}

/**
 * Where the form is `dynamic` the input is quantized: as a whole, or, before weights in blocks, each of its `rows` on a grid of its own; `rowOf` tells which
 * row an element lies in.
 */
export function linearInput(a: Tensor, w: TensorType, form: LinearForm, rows: number, rowOf: (index: number) => number): LinearInput {
  const one = (): number => 1;
  if (form === "float") return { data: a.data, scale: one };
  if (form !== "dynamic") return { data: Int32Array.from(a.data, (q) => q - a.quant!.zero), scale: one };
  const row = w.quant!.block ? rowOf : () => 0;
  const grids = rowGrids(a, w.quant!.block ? rows : 1, row);
  const data = Int32Array.from(a.data, (v, i) => {
    const { scale, zero } = grids[row(i)];
    return quantizeValue(v, scale[0], zero) - zero;
  });
  return { data, scale: (index) => grids[w.quant!.block ? index : 0].scale[0] };
}

/** Adds up products; those of weights in blocks as integers inside a block, and block by block in f32. `weight` says where a product's weight lies. */
export class LinearSum {
  private readonly scale: Float32Array | undefined;
  private readonly block: (weight: number) => number;
  private current = 0;
  private inner = 0;
  private total = 0;

  constructor({ shape, quant }: TensorType) {
    this.scale = quant?.block && quant.scale;
    this.block = this.scale ? scaleIndex(shape, quant!) : () => 0;
  }

  add(product: number, weight: number): void {
    const block = this.block(weight);
    if (block !== this.current) this.close();
    this.current = block;
    this.inner += product;
  }

  /** The sum, and a new beginning. */
  take(): number {
    this.close();
    const sum = this.total;
    this.total = 0;
    return sum;
  }

  private close(): void {
    this.total = this.scale ? f32(this.total + f32(f32(this.inner) * this.scale[this.current])) : this.inner;
    this.inner = 0;
  }
}

/** One output from its accumulator. */
export function finish(e: Epilogue, acc: number, channel: number, inputScale: number): number {
  const bias = e.bias ? e.bias[channel] : 0;
  if (e.factor !== undefined) {
    const y = f32(f32(acc * (e.form === "dynamic" ? inputScale : e.factor)) + bias);
    return e.form === "integer" ? roundEven(clamp(y, e.lo - e.zero, e.hi - e.zero)) + e.zero : clamp(y, e.lo, e.hi);
  }
  if (e.form === "integer") return requantize(acc + bias, e.scale![channel], e.zero, e.lo, e.hi);
  if (e.form === "float") return clamp(acc + bias, e.lo, e.hi);
  const scale = e.form === "dynamic" ? f32(inputScale * e.scale![channel]) : e.scale![channel];
  return clamp(f32(f32(f32(acc) * scale) + bias), e.lo, e.hi);
}

/** Throws RangeError where integer weights lie in blocks along another axis than the one that is summed over. */
export function takeBlocks(w: TensorType, axis: number | undefined): void {
  const block = w.quant?.block;
  if (block && block.axis !== axis) throw new RangeError(`weights in blocks along axis ${block.axis} have no integer kernel`);
}

/** The type that a linear operator writes. */
export function linearOutput(node: Node, shape: readonly number[]): TensorType {
  return node.quant ? { dtype: "i8", shape, quant: node.quant } : { dtype: "f32", shape };
}

function rowGrids({ data }: Tensor, rows: number, rowOf: (index: number) => number): Quant[] {
  const [min, max] = [new Float32Array(rows), new Float32Array(rows)];
  for (let i = 0; i < data.length; i++) {
    const row = rowOf(i);
    if (data[i] < min[row]) min[row] = data[i];
    if (data[i] > max[row]) max[row] = data[i];
  }
  return Array.from(min, (lo, row) => gridOfRange(lo, max[row]));
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
  if (words.blocks) {
    emitBlockGemm(ctx, words, words.blocks, shape);
    return;
  }
  if (words.sparse) {
    emitSparse(ctx, words, words.sparse, productGeometry(shape));
    return;
  }
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

function emitBlockGemm(ctx: Lowering, words: LinearWords, blocks: BlockWords, { m, n, k }: GemmShape): void {
  ctx.emit(Op.qs8_qbw_gemm, {
    [BlockGemmField.m]: m,
    [BlockGemmField.n]: n,
    [BlockGemmField.k]: k,
    [BlockGemmField.block]: blocks.size,
    [BlockGemmField.bits]: blocks.bits,
    [BlockGemmField.a]: words.a,
    [BlockGemmField.a_size]: blocks.a_size,
    [BlockGemmField.w]: words.w,
    [BlockGemmField.zeros]: blocks.zeros,
    [BlockGemmField.scale]: words.scale,
    [BlockGemmField.bias]: words.bias,
    [BlockGemmField.c]: ctx.place(ctx.node.outputs[0]),
    [BlockGemmField.factor]: blocks.factor,
    [BlockGemmField.lo]: words.lo,
    [BlockGemmField.hi]: words.hi,
    [BlockGemmField.a_zero]: words.a_zero,
    [BlockGemmField.c_zero]: words.c_zero,
    [BlockGemmField.c_size]: words.c_size,
    [BlockGemmField.scratch]: words.scratch,
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

/** Cases with weights in blocks of 16: f32 inputs, and inputs and outputs on grids. */
export function blockCases(x: readonly number[], w: readonly number[], axis: number, attrs: OpCase["attrs"]): OpCase[] {
  const grid: Quant = { scale: Float32Array.of(0.01), zero: -7 };
  const [input, bias] = [wave(x), wave([axis === 0 ? w[1] : w[0]], 3)];
  const weights = (levels: number): Tensor => quantizeWeights(wave(w, 2), { axis, size: 16 }, levels);
  const rest = { attrs, constants: [1, 2] };
  return [
    { name: "weights of 4 bits in blocks", inputs: [input, weights(15), bias], ...rest },
    { name: "weights of 8 bits in blocks", inputs: [input, weights(255)], ...rest },
    { name: "a grid, weights of 4 bits in blocks", inputs: [quantizeTensor(input, grid), weights(15), bias], ...rest },
    {
      name: "grids, weights of 4 bits in blocks",
      inputs: [quantizeTensor(input, grid), weights(15), bias],
      quant: { ...grid, scale: Float32Array.of(0.05) },
      ...rest,
    },
  ];
}
