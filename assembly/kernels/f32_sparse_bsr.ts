import { Madd } from "../lib/madd";
import { Field } from "../lib/record";
import { F32_NR, PANEL_ROWS } from "../shared/layout";
import { ConvField } from "../shared/plan";
import { SparseField } from "../shared/sparse";
import { f32_im2col } from "./conv";
import { Lanes } from "./lanes";
import { F32x4 } from "./math";
import { reads_pixels } from "./sparse_rows";

/** Op `f32_sparse_bsr`: `f32_conv` that visits only the blocks of weights that are there, in order of k. */
export function f32_sparse_bsr(r: usize): void {
  const in_c = Field.i32(r, ConvField.in_c);
  const out_c = Field.i32(r, ConvField.out_c);
  const groups = Field.i32(r, ConvField.groups);
  const depth = in_c / groups;
  const group_out = out_c / groups;
  const k = Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w) * depth;
  const pixels = Field.i32(r, ConvField.batch) * Field.i32(r, ConvField.out_h) * Field.i32(r, ConvField.out_w);
  const pointwise = reads_pixels(r);
  const scratch = Field.address(r, ConvField.scratch);
  const stride = (pointwise ? in_c : k) << 2;
  const to_stride = out_c << 2;
  const lo = Field.f32(r, ConvField.lo);
  const hi = Field.f32(r, ConvField.hi);
  for (let first = 0; first < pixels; first += PANEL_ROWS) {
    const rows = min(pixels - first, PANEL_ROWS);
    let a = Field.address(r, ConvField.a);
    let w = Field.address(r, ConvField.w);
    let index = Field.address(r, SparseField.index);
    let count = Field.address(r, SparseField.count);
    let bias = Field.address(r, ConvField.bias);
    let c = Field.address(r, ConvField.c) + ((first * out_c) << 2);
    for (let group = 0; group < groups; group++, a += depth << 2) {
      const from = pointwise ? a + first * stride : scratch;
      if (!pointwise) f32_im2col(r, a, first, rows, scratch);
      for (let o = 0; o < group_out; o += F32_NR, count += 4) {
        const blocks = <usize>load<i32>(count);
        const cols = min(group_out - o, F32_NR);
        const fours = rows & ~3;
        if (fours) f32_bsr_4x8(fours, cols, blocks, from, stride, w, index, bias, c, to_stride, lo, hi);
        for (let i = fours; i < rows; i++) f32_bsr_1x8(cols, blocks, from + i * stride, w, index, bias, c + i * to_stride, lo, hi);
        w += blocks << 5;
        index += blocks;
        if (bias) bias += cols << 2;
        c += cols << 2;
      }
    }
  }
}

/** `rows` (a multiple of 4) × 8 outputs: `f32_gemm_4x8` that steps through k by `index`. Strides are bytes; `cols` of the outputs exist. */
export function f32_bsr_4x8(
  rows: i32,
  cols: i32,
  blocks: usize,
  a: usize,
  lda: usize,
  w: usize,
  index: usize,
  bias: usize,
  c: usize,
  ldc: usize,
  lo: f32,
  hi: f32,
): void {
  const low = f32x4.splat(lo);
  const high = f32x4.splat(hi);
  const bias0 = bias ? Lanes.load(bias, cols) : f32x4.splat(0);
  const bias1 = bias ? Lanes.load(bias + 16, cols - 4) : f32x4.splat(0);
  const lda2 = lda << 1;
  const lda3 = lda2 + lda;
  const end = index + blocks;
  for (; rows > 0; rows -= 4, a += 4 * lda, c += 4 * ldc) {
    let c00 = f32x4.splat(0);
    let c01 = c00;
    let c10 = c00;
    let c11 = c00;
    let c20 = c00;
    let c21 = c00;
    let c30 = c00;
    let c31 = c00;
    let x = a;
    for (let i = index, panel = w; i < end; i++, panel += 32) {
      x += (<usize>load<u8>(i)) << 2;
      const w0 = v128.load(panel);
      const w1 = v128.load(panel, 16);
      const x0 = v128.load32_splat(x);
      c00 = Madd.f32x4(x0, w0, c00);
      c01 = Madd.f32x4(x0, w1, c01);
      const x1 = v128.load32_splat(x + lda);
      c10 = Madd.f32x4(x1, w0, c10);
      c11 = Madd.f32x4(x1, w1, c11);
      const x2 = v128.load32_splat(x + lda2);
      c20 = Madd.f32x4(x2, w0, c20);
      c21 = Madd.f32x4(x2, w1, c21);
      const x3 = v128.load32_splat(x + lda3);
      c30 = Madd.f32x4(x3, w0, c30);
      c31 = Madd.f32x4(x3, w1, c31);
    }
    BsrRow.store(c, c00, c01, bias0, bias1, low, high, cols);
    BsrRow.store(c + ldc, c10, c11, bias0, bias1, low, high, cols);
    BsrRow.store(c + 2 * ldc, c20, c21, bias0, bias1, low, high, cols);
    BsrRow.store(c + 3 * ldc, c30, c31, bias0, bias1, low, high, cols);
  }
}

/** One row × 8 outputs: rows that fours leave, and matrix-vector products. */
export function f32_bsr_1x8(cols: i32, blocks: usize, a: usize, w: usize, index: usize, bias: usize, c: usize, lo: f32, hi: f32): void {
  const bias0 = bias ? Lanes.load(bias, cols) : f32x4.splat(0);
  const bias1 = bias ? Lanes.load(bias + 16, cols - 4) : f32x4.splat(0);
  let c0 = f32x4.splat(0);
  let c1 = c0;
  for (const end = index + blocks; index < end; index++, w += 32) {
    a += (<usize>load<u8>(index)) << 2;
    const x = v128.load32_splat(a);
    c0 = Madd.f32x4(x, v128.load(w), c0);
    c1 = Madd.f32x4(x, v128.load(w, 16), c1);
  }
  BsrRow.store(c, c0, c1, bias0, bias1, f32x4.splat(lo), f32x4.splat(hi), cols);
}

class BsrRow {
  @inline static store(c: usize, x: v128, y: v128, bias0: v128, bias1: v128, lo: v128, hi: v128, cols: i32): void {
    Lanes.store(c, F32x4.clamp(f32x4.add(x, bias0), lo, hi), cols);
    Lanes.store(c + 16, F32x4.clamp(f32x4.add(y, bias1), lo, hi), cols - 4);
  }
}
