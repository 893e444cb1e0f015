/**
 * The inner kernels of int8 matrix products: rows of `a` as i16 (zero point subtracted) against one panel of packed weights,
 * [pairs][16][2] i8. Each 32-bit lane takes a pair of k from both sides and `dot` adds both products.
 * The loop over k is not unrolled where there are eight accumulators: V8 would hoist the loads and spill them. With four, two steps fit.
 */
import { Field } from "../lib/record";
import { EpilogueField } from "../shared/plan";
import { Dequantize, Epilogue, Requantize } from "./qs8_epilogue";

/**
 * `rows` (a multiple of 4) × 8 outputs: one half of a panel, `w` pointing at its columns. `a`: rows of `pairs` · 2 i16, one after another.
 * `bias`, `scale`: the half's entries; `start`: its accumulators' first values. `c_stride` in bytes; only `lanes` columns are stored.
 * `e`: EpilogueField.
 */
export function qs8_qc8w_gemm_4x8(
  rows: i32,
  pairs: i32,
  a: usize,
  w: usize,
  start: usize,
  bias: usize,
  scale: usize,
  c: usize,
  c_stride: usize,
  lanes: i32,
  e: usize,
): void {
  const a1 = (<usize>pairs) << 2;
  const a2 = a1 << 1;
  const a3 = a1 + a2;
  // Whole rows of eight are written with what does not change from row to row held; the rest goes the long way.
  const whole = lanes === 8;
  const floats = Field.i32(e, EpilogueField.c_size) !== 1;
  const zero = Field.i32(e, EpilogueField.c_zero);
  const lo = f32x4.splat(f32(Field.i32(e, EpilogueField.lo) - zero));
  const hi = i8x16.splat(i8(Field.i32(e, EpilogueField.hi)));
  const offset = Requantize.offset(zero);
  const input = f32x4.splat(floats ? Dequantize.input(e) : 1);
  const scale0 = f32x4.mul(input, v128.load(scale));
  const scale1 = f32x4.mul(input, v128.load(scale, 16));
  for (; rows > 0; rows -= 4) {
    let p00 = v128.load(start);
    let p01 = v128.load(start, 16);
    let p10 = p00;
    let p11 = p01;
    let p20 = p00;
    let p21 = p01;
    let p30 = p00;
    let p31 = p01;
    let q = w;
    for (const end = a + a1; a < end; a += 4, q += 32) {
      const w0 = v128.load8x8_s(q);
      const w1 = v128.load8x8_s(q, 8);
      const x0 = v128.load32_splat(a);
      p00 = i32x4.add(p00, i32x4.dot_i16x8_s(x0, w0));
      p01 = i32x4.add(p01, i32x4.dot_i16x8_s(x0, w1));
      const x1 = v128.load32_splat(a + a1);
      p10 = i32x4.add(p10, i32x4.dot_i16x8_s(x1, w0));
      p11 = i32x4.add(p11, i32x4.dot_i16x8_s(x1, w1));
      const x2 = v128.load32_splat(a + a2);
      p20 = i32x4.add(p20, i32x4.dot_i16x8_s(x2, w0));
      p21 = i32x4.add(p21, i32x4.dot_i16x8_s(x2, w1));
      const x3 = v128.load32_splat(a + a3);
      p30 = i32x4.add(p30, i32x4.dot_i16x8_s(x3, w0));
      p31 = i32x4.add(p31, i32x4.dot_i16x8_s(x3, w1));
    }
    a += a3;
    if (whole && floats) {
      const low = f32x4.splat(Field.f32(e, EpilogueField.lo));
      const high = f32x4.splat(Field.f32(e, EpilogueField.hi));
      const bias0 = v128.load(bias);
      const bias1 = v128.load(bias, 16);
      Dequantize.row(c, p00, p01, scale0, scale1, bias0, bias1, low, high);
      c += c_stride;
      Dequantize.row(c, p10, p11, scale0, scale1, bias0, bias1, low, high);
      c += c_stride;
      Dequantize.row(c, p20, p21, scale0, scale1, bias0, bias1, low, high);
      c += c_stride;
      Dequantize.row(c, p30, p31, scale0, scale1, bias0, bias1, low, high);
      c += c_stride;
    } else if (whole) {
      const q0 = Requantize.narrow(
        Requantize.i32x4(p00, scale0, lo, offset),
        Requantize.i32x4(p01, scale1, lo, offset),
        Requantize.i32x4(p10, scale0, lo, offset),
        Requantize.i32x4(p11, scale1, lo, offset),
        hi,
      );
      v128.store64_lane(c, q0, 0);
      c += c_stride;
      v128.store64_lane(c, q0, 1);
      c += c_stride;
      const q1 = Requantize.narrow(
        Requantize.i32x4(p20, scale0, lo, offset),
        Requantize.i32x4(p21, scale1, lo, offset),
        Requantize.i32x4(p30, scale0, lo, offset),
        Requantize.i32x4(p31, scale1, lo, offset),
        hi,
      );
      v128.store64_lane(c, q1, 0);
      c += c_stride;
      v128.store64_lane(c, q1, 1);
      c += c_stride;
    } else {
      Epilogue.store2(p00, p01, p10, p11, bias, scale, c, c + c_stride, lanes, e);
      c += c_stride << 1;
      Epilogue.store2(p20, p21, p30, p31, bias, scale, c, c + c_stride, lanes, e);
      c += c_stride << 1;
    }
  }
}

/** One row × 16 outputs: rows that fours leave, and matrix-vector products. */
export function qs8_qc8w_gemm_1x16(
  pairs: i32,
  a: usize,
  w: usize,
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
  const end = a + ((<usize>pairs) << 2);
  for (; a + 4 < end; a += 8, w += 64) {
    const a0 = v128.load32_splat(a);
    p0 = i32x4.add(p0, i32x4.dot_i16x8_s(a0, v128.load8x8_s(w)));
    p1 = i32x4.add(p1, i32x4.dot_i16x8_s(a0, v128.load8x8_s(w, 8)));
    p2 = i32x4.add(p2, i32x4.dot_i16x8_s(a0, v128.load8x8_s(w, 16)));
    p3 = i32x4.add(p3, i32x4.dot_i16x8_s(a0, v128.load8x8_s(w, 24)));
    const a1 = v128.load32_splat(a, 4);
    p0 = i32x4.add(p0, i32x4.dot_i16x8_s(a1, v128.load8x8_s(w, 32)));
    p1 = i32x4.add(p1, i32x4.dot_i16x8_s(a1, v128.load8x8_s(w, 40)));
    p2 = i32x4.add(p2, i32x4.dot_i16x8_s(a1, v128.load8x8_s(w, 48)));
    p3 = i32x4.add(p3, i32x4.dot_i16x8_s(a1, v128.load8x8_s(w, 56)));
  }
  if (a < end) {
    const a0 = v128.load32_splat(a);
    p0 = i32x4.add(p0, i32x4.dot_i16x8_s(a0, v128.load8x8_s(w)));
    p1 = i32x4.add(p1, i32x4.dot_i16x8_s(a0, v128.load8x8_s(w, 8)));
    p2 = i32x4.add(p2, i32x4.dot_i16x8_s(a0, v128.load8x8_s(w, 16)));
    p3 = i32x4.add(p3, i32x4.dot_i16x8_s(a0, v128.load8x8_s(w, 24)));
  }
  Epilogue.store(p0, p1, p2, p3, bias, scale, c, lanes, e);
}

/** `rows` rows against all ⌈n/16⌉ panels of `w`. `bias` may be 0; `size` is that of an output. */
export function qs8_panels(
  rows: i32,
  pairs: i32,
  n: i32,
  a: usize,
  w: usize,
  bias: usize,
  scale: usize,
  c: usize,
  c_stride: usize,
  size: i32,
  e: usize,
): void {
  const a_stride = (<usize>pairs) << 2;
  const bias_step: usize = bias ? 32 : 0;
  bias = Epilogue.bias(bias);
  const fours = rows & ~3;
  for (; n > 0; n -= 16, w += a_stride << 3, bias += bias_step << 1, scale += 64, c += 16 * size) {
    const start = Epilogue.start(bias, e);
    if (fours) {
      qs8_qc8w_gemm_4x8(fours, pairs, a, w, start, bias, scale, c, c_stride, min(n, 8), e);
      const half = bias + bias_step;
      if (n > 8)
        qs8_qc8w_gemm_4x8(fours, pairs, a, w + 16, Epilogue.start(half, e), half, scale + 32, c + 8 * size, c_stride, min(n - 8, 8), e);
    }
    for (let i: usize = fours; i < <usize>rows; i++)
      qs8_qc8w_gemm_1x16(pairs, a + i * a_stride, w, start, bias, scale, c + i * c_stride, n, e);
  }
}
