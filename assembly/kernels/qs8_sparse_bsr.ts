import { Field } from "../lib/record";
import { PANEL_ROWS } from "../shared/layout";
import { ConvField } from "../shared/plan";
import { SparseField } from "../shared/sparse";
import { Epilogue } from "./qs8_epilogue";
import { qs8_sparse_rows } from "./sparse_rows";

/** Op `qs8_sparse_bsr`: `qs8_conv` that visits only the blocks of weights that are there. */
export function qs8_sparse_bsr(r: usize): void {
  const in_c = Field.i32(r, ConvField.in_c);
  const out_c = Field.i32(r, ConvField.out_c);
  const groups = Field.i32(r, ConvField.groups);
  const group_in = in_c / groups;
  const group_out = out_c / groups;
  const k = Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w) * group_in;
  const a_stride = (<usize>((k + 1) & ~1)) << 1;
  const size = Field.i32(r, ConvField.c_size);
  const scratch = Field.address(r, ConvField.scratch);
  const e = r + (ConvField.lo << 2);
  const pixels = Field.i32(r, ConvField.batch) * Field.i32(r, ConvField.out_h) * Field.i32(r, ConvField.out_w);
  for (let first = 0; first < pixels; first += PANEL_ROWS) {
    const rows = min(pixels - first, PANEL_ROWS);
    const fours = rows & ~3;
    let a = Field.address(r, ConvField.a);
    let w = Field.address(r, ConvField.w);
    let index = Field.address(r, SparseField.index);
    let count = Field.address(r, SparseField.count);
    let bias = Field.address(r, ConvField.bias);
    let scale = Field.address(r, ConvField.scale);
    let c = Field.address(r, ConvField.c) + first * out_c * size;
    const bias_step: usize = bias ? 32 : 0;
    bias = Epilogue.bias(bias);
    for (let group = 0; group < groups; group++, a += group_in, c += group_out * size) {
      qs8_sparse_rows(r, scratch, a, first, rows);
      for (let o = 0; o < group_out; o += 16, count += 4, bias += bias_step << 1, scale += 64) {
        const blocks = <usize>load<i32>(count);
        const lanes = group_out - o;
        const to = c + o * size;
        const stride = out_c * size;
        const start = Epilogue.start(bias, e);
        const half = bias + bias_step;
        if (fours) {
          qs8_bsr_4x8(fours, blocks, scratch, a_stride, w, index, start, bias, scale, to, stride, min(lanes, 8), e);
          if (lanes > 8) {
            const start8 = Epilogue.start(half, e);
            qs8_bsr_4x8(
              fours,
              blocks,
              scratch,
              a_stride,
              w + 16,
              index,
              start8,
              half,
              scale + 32,
              to + 8 * size,
              stride,
              min(lanes - 8, 8),
              e,
            );
          }
        }
        for (let i: usize = fours; i < <usize>rows; i++)
          qs8_bsr_1x16(blocks, scratch + i * a_stride, w, index, start, bias, scale, to + i * stride, lanes, e);
        w += blocks << 5;
        index += blocks;
      }
    }
  }
}

/** `rows` (a multiple of 4) × 8 outputs, one half of a panel of `blocks` blocks: `qs8_qc8w_gemm_4x8` that steps through k by `index`. */
export function qs8_bsr_4x8(
  rows: i32,
  blocks: usize,
  a: usize,
  a_stride: usize,
  w: usize,
  index: usize,
  start: usize,
  bias: usize,
  scale: usize,
  c: usize,
  c_stride: usize,
  lanes: i32,
  e: usize,
): void {
  const a2 = a_stride << 1;
  const a3 = a_stride + a2;
  const end = index + blocks;
  for (; rows > 0; rows -= 4) {
    let p00 = v128.load(start);
    let p01 = v128.load(start, 16);
    let p10 = p00;
    let p11 = p01;
    let p20 = p00;
    let p21 = p01;
    let p30 = p00;
    let p31 = p01;
    let x = a;
    let q = w;
    for (let i = index; i < end; i++, q += 32) {
      x += (<usize>load<u8>(i)) << 2;
      const w0 = v128.load8x8_s(q);
      const w1 = v128.load8x8_s(q, 8);
      const x0 = v128.load32_splat(x);
      p00 = i32x4.add(p00, i32x4.dot_i16x8_s(x0, w0));
      p01 = i32x4.add(p01, i32x4.dot_i16x8_s(x0, w1));
      const x1 = v128.load32_splat(x + a_stride);
      p10 = i32x4.add(p10, i32x4.dot_i16x8_s(x1, w0));
      p11 = i32x4.add(p11, i32x4.dot_i16x8_s(x1, w1));
      const x2 = v128.load32_splat(x + a2);
      p20 = i32x4.add(p20, i32x4.dot_i16x8_s(x2, w0));
      p21 = i32x4.add(p21, i32x4.dot_i16x8_s(x2, w1));
      const x3 = v128.load32_splat(x + a3);
      p30 = i32x4.add(p30, i32x4.dot_i16x8_s(x3, w0));
      p31 = i32x4.add(p31, i32x4.dot_i16x8_s(x3, w1));
    }
    Epilogue.store2(p00, p01, p10, p11, bias, scale, c, c + c_stride, lanes, e);
    Epilogue.store2(p20, p21, p30, p31, bias, scale, c + 2 * c_stride, c + 3 * c_stride, lanes, e);
    a += a_stride << 2;
    c += c_stride << 2;
  }
}

/** One row × 16 outputs: rows that fours leave, and matrix-vector products. */
export function qs8_bsr_1x16(
  blocks: usize,
  a: usize,
  w: usize,
  index: usize,
  start: usize,
  bias: usize,
  scale: usize,
  c: usize,
  lanes: i32,
  e: usize,
): void {
  let p0 = v128.load(start);
  let p1 = v128.load(start, 16);
  let p2 = v128.load(start, 32);
  let p3 = v128.load(start, 48);
  for (const end = index + blocks; index < end; index++, w += 32) {
    a += (<usize>load<u8>(index)) << 2;
    const x = v128.load32_splat(a);
    p0 = i32x4.add(p0, i32x4.dot_i16x8_s(x, v128.load8x8_s(w)));
    p1 = i32x4.add(p1, i32x4.dot_i16x8_s(x, v128.load8x8_s(w, 8)));
    p2 = i32x4.add(p2, i32x4.dot_i16x8_s(x, v128.load8x8_s(w, 16)));
    p3 = i32x4.add(p3, i32x4.dot_i16x8_s(x, v128.load8x8_s(w, 24)));
  }
  Epilogue.store(p0, p1, p2, p3, bias, scale, c, lanes, e);
}
