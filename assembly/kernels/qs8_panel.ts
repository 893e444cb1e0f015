/**
 * The inner kernels of int8 matrix products: rows of `a` as i16 (zero point subtracted) against one panel of packed weights,
 * [pairs][16][2] i8. Each 32-bit lane takes a pair of k from both sides and `dot` adds both products.
 * The loops over k are not unrolled: V8 would hoist the loads and spill the accumulators.
 */
import { Epilogue } from "./qs8_epilogue";

/**
 * `rows` × 16 outputs. `a`: rows of `pairs` · 2 i16, one after another. `bias`, `scale`: the panel's 16 entries; `start`: the accumulators'
 * first values. `c_stride` in bytes; only `lanes` columns are stored. `e`: EpilogueField.
 */
export function qs8_qc8w_gemm_2x16(
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
  const a_stride = (<usize>pairs) << 2;
  for (; rows >= 2; rows -= 2) {
    let p00 = v128.load(start);
    let p01 = v128.load(start, 16);
    let p02 = v128.load(start, 32);
    let p03 = v128.load(start, 48);
    let p10 = p00;
    let p11 = p01;
    let p12 = p02;
    let p13 = p03;
    let q = w;
    for (const end = a + a_stride; a < end; a += 4, q += 32) {
      const w0 = v128.load8x8_s(q);
      const w1 = v128.load8x8_s(q, 8);
      const w2 = v128.load8x8_s(q, 16);
      const w3 = v128.load8x8_s(q, 24);
      const a0 = v128.load32_splat(a);
      p00 = i32x4.add(p00, i32x4.dot_i16x8_s(a0, w0));
      p01 = i32x4.add(p01, i32x4.dot_i16x8_s(a0, w1));
      p02 = i32x4.add(p02, i32x4.dot_i16x8_s(a0, w2));
      p03 = i32x4.add(p03, i32x4.dot_i16x8_s(a0, w3));
      const a1 = v128.load32_splat(a + a_stride);
      p10 = i32x4.add(p10, i32x4.dot_i16x8_s(a1, w0));
      p11 = i32x4.add(p11, i32x4.dot_i16x8_s(a1, w1));
      p12 = i32x4.add(p12, i32x4.dot_i16x8_s(a1, w2));
      p13 = i32x4.add(p13, i32x4.dot_i16x8_s(a1, w3));
    }
    Epilogue.store(p00, p01, p02, p03, bias, scale, c, lanes, e);
    Epilogue.store(p10, p11, p12, p13, bias, scale, c + c_stride, lanes, e);
    a += a_stride;
    c += c_stride << 1;
  }
  if (rows) qs8_qc8w_gemm_1x16(pairs, a, w, start, bias, scale, c, lanes, e);
}

/** One row × 16 outputs: what is left of an odd number of rows, and matrix-vector products. */
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
  for (const end = a + ((<usize>pairs) << 2); a < end; a += 4, w += 32) {
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
  const bias_step: usize = bias ? 64 : 0;
  bias = Epilogue.bias(bias);
  for (; n > 0; n -= 16, w += (<usize>pairs) << 5, bias += bias_step, scale += 64, c += 16 * size)
    qs8_qc8w_gemm_2x16(rows, pairs, a, w, Epilogue.start(bias, e), bias, scale, c, c_stride, n, e);
}

/** n integers less `zero`, as i16. */
export function qs8_widen(dst: usize, src: usize, n: i32, zero: i32): void {
  if (n < 8) {
    for (; n > 0; n--, src++, dst += 2) store<i16>(dst, load<i8>(src) - zero);
    return;
  }
  const z = i16x8.splat(<i16>zero);
  for (let i = 0; i < n; i += 8) {
    // The last eight overlap those before them, so that nothing past the row is read or written.
    const at = <usize>min(i, n - 8);
    v128.store(dst + (at << 1), i16x8.sub(v128.load8x8_s(src + at), z));
  }
}
