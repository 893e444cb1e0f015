import { Madd } from "../lib/madd";
import { Lanes } from "./lanes";
import { F32x4 } from "./math";

/**
 * The inner loops of every f32 product. Accumulators are locals and where there are eight of them the loop over k is not unrolled: engines spill otherwise.
 * `lda`, `ldc` are bytes between rows; `w` is one panel [k][8]; `cols` says how many of its 8 columns exist.
 */

/** Rows by fours, as many as there are, times one panel: where the time goes, so it is all that this function holds. */
export function f32_gemm_4x8(
  rows: i32,
  cols: i32,
  k: i32,
  a: usize,
  lda: usize,
  w: usize,
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
  const end = (<usize>k) << 2;
  for (; rows >= 4; rows -= 4, a += 4 * lda, c += 4 * ldc) {
    const a1 = a + lda;
    const a2 = a1 + lda;
    const a3 = a2 + lda;
    let c00 = f32x4.splat(0);
    let c01 = f32x4.splat(0);
    let c10 = f32x4.splat(0);
    let c11 = f32x4.splat(0);
    let c20 = f32x4.splat(0);
    let c21 = f32x4.splat(0);
    let c30 = f32x4.splat(0);
    let c31 = f32x4.splat(0);
    for (let p: usize = 0, panel = w; p < end; p += 4, panel += 32) {
      const w0 = v128.load(panel);
      const w1 = v128.load(panel, 16);
      const x0 = v128.load32_splat(a + p);
      c00 = Madd.f32x4(x0, w0, c00);
      c01 = Madd.f32x4(x0, w1, c01);
      const x1 = v128.load32_splat(a1 + p);
      c10 = Madd.f32x4(x1, w0, c10);
      c11 = Madd.f32x4(x1, w1, c11);
      const x2 = v128.load32_splat(a2 + p);
      c20 = Madd.f32x4(x2, w0, c20);
      c21 = Madd.f32x4(x2, w1, c21);
      const x3 = v128.load32_splat(a3 + p);
      c30 = Madd.f32x4(x3, w0, c30);
      c31 = Madd.f32x4(x3, w1, c31);
    }
    if (cols >= 8) {
      Out.whole(c, c00, c01, bias0, bias1, low, high);
      Out.whole(c + ldc, c10, c11, bias0, bias1, low, high);
      Out.whole(c + 2 * ldc, c20, c21, bias0, bias1, low, high);
      Out.whole(c + 3 * ldc, c30, c31, bias0, bias1, low, high);
    } else {
      Out.row(c, c00, c01, bias0, bias1, low, high, cols);
      Out.row(c + ldc, c10, c11, bias0, bias1, low, high, cols);
      Out.row(c + 2 * ldc, c20, c21, bias0, bias1, low, high, cols);
      Out.row(c + 3 * ldc, c30, c31, bias0, bias1, low, high, cols);
    }
  }
}

/** The 1 to 3 rows that remain, times one panel. */
export function f32_gemm_3x8(
  rows: i32,
  cols: i32,
  k: i32,
  a: usize,
  lda: usize,
  w: usize,
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
  if (rows === 3) three_rows(cols, k, a, lda, w, bias0, bias1, c, ldc, low, high);
  else if (rows === 2) two_rows(cols, k, a, lda, w, bias0, bias1, c, ldc, low, high);
  else one_row(cols, k, a, w, bias0, bias1, c, low, high);
}

class Out {
  @inline static bias(bias: usize, offset: usize, cols: i32): v128 {
    return bias ? Lanes.load(bias + offset, cols) : f32x4.splat(0);
  }

  @inline static whole(c: usize, x: v128, y: v128, bias0: v128, bias1: v128, lo: v128, hi: v128): void {
    v128.store(c, F32x4.clamp(f32x4.add(x, bias0), lo, hi));
    v128.store(c, F32x4.clamp(f32x4.add(y, bias1), lo, hi), 16);
  }

  @inline static row(c: usize, x: v128, y: v128, bias0: v128, bias1: v128, lo: v128, hi: v128, cols: i32): void {
    Lanes.store(c, F32x4.clamp(f32x4.add(x, bias0), lo, hi), cols);
    Lanes.store(c + 16, F32x4.clamp(f32x4.add(y, bias1), lo, hi), cols - 4);
  }
}

function three_rows(
  cols: i32,
  k: i32,
  a: usize,
  lda: usize,
  w: usize,
  bias0: v128,
  bias1: v128,
  c: usize,
  ldc: usize,
  lo: v128,
  hi: v128,
): void {
  const a1 = a + lda;
  const a2 = a1 + lda;
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  for (let p: usize = 0, end = (<usize>k) << 2; p < end; p += 4, w += 32) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    const x0 = v128.load32_splat(a + p);
    c00 = Madd.f32x4(x0, w0, c00);
    c01 = Madd.f32x4(x0, w1, c01);
    const x1 = v128.load32_splat(a1 + p);
    c10 = Madd.f32x4(x1, w0, c10);
    c11 = Madd.f32x4(x1, w1, c11);
    const x2 = v128.load32_splat(a2 + p);
    c20 = Madd.f32x4(x2, w0, c20);
    c21 = Madd.f32x4(x2, w1, c21);
  }
  Out.row(c, c00, c01, bias0, bias1, lo, hi, cols);
  Out.row(c + ldc, c10, c11, bias0, bias1, lo, hi, cols);
  Out.row(c + 2 * ldc, c20, c21, bias0, bias1, lo, hi, cols);
}

function two_rows(
  cols: i32,
  k: i32,
  a: usize,
  lda: usize,
  w: usize,
  bias0: v128,
  bias1: v128,
  c: usize,
  ldc: usize,
  lo: v128,
  hi: v128,
): void {
  const a1 = a + lda;
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  for (let p: usize = 0, end = (<usize>k) << 2; p < end; p += 4, w += 32) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    const x0 = v128.load32_splat(a + p);
    c00 = Madd.f32x4(x0, w0, c00);
    c01 = Madd.f32x4(x0, w1, c01);
    const x1 = v128.load32_splat(a1 + p);
    c10 = Madd.f32x4(x1, w0, c10);
    c11 = Madd.f32x4(x1, w1, c11);
  }
  Out.row(c, c00, c01, bias0, bias1, lo, hi, cols);
  Out.row(c + ldc, c10, c11, bias0, bias1, lo, hi, cols);
}

function one_row(cols: i32, k: i32, a: usize, w: usize, bias0: v128, bias1: v128, c: usize, lo: v128, hi: v128): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  for (let end = a + ((<usize>k) << 2); a < end; a += 4, w += 32) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    const x0 = v128.load32_splat(a);
    c00 = Madd.f32x4(x0, w0, c00);
    c01 = Madd.f32x4(x0, w1, c01);
  }
  Out.row(c, c00, c01, bias0, bias1, lo, hi, cols);
}

/**
 * One row times two panels, the second of which has `cols` − 8 columns. With four accumulators two steps of k fit into registers, which halves what the loop
 * itself costs; of eight, engines keep one in memory.
 */
export function f32_gemm_1x16(k: i32, a: usize, w: usize, bias: usize, c: usize, cols: i32, lo: f32, hi: f32): void {
  const wide = (<usize>k) << 5;
  const w1 = w + wide;
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let c2 = f32x4.splat(0);
  let c3 = f32x4.splat(0);
  let p: usize = 0;
  for (const even = wide & ~63; p < even; p += 64, a += 8) {
    const x = v128.load32_splat(a);
    c0 = Madd.f32x4(x, v128.load(w + p), c0);
    c1 = Madd.f32x4(x, v128.load(w + p, 16), c1);
    c2 = Madd.f32x4(x, v128.load(w1 + p), c2);
    c3 = Madd.f32x4(x, v128.load(w1 + p, 16), c3);
    const y = v128.load32_splat(a, 4);
    c0 = Madd.f32x4(y, v128.load(w + p, 32), c0);
    c1 = Madd.f32x4(y, v128.load(w + p, 48), c1);
    c2 = Madd.f32x4(y, v128.load(w1 + p, 32), c2);
    c3 = Madd.f32x4(y, v128.load(w1 + p, 48), c3);
  }
  if (k & 1) {
    const x = v128.load32_splat(a);
    c0 = Madd.f32x4(x, v128.load(w + p), c0);
    c1 = Madd.f32x4(x, v128.load(w + p, 16), c1);
    c2 = Madd.f32x4(x, v128.load(w1 + p), c2);
    c3 = Madd.f32x4(x, v128.load(w1 + p, 16), c3);
  }
  const low = f32x4.splat(lo);
  const high = f32x4.splat(hi);
  Out.row(c, c0, c1, Out.bias(bias, 0, 8), Out.bias(bias, 16, 8), low, high, 8);
  Out.row(c + 32, c2, c3, Out.bias(bias, 32, cols - 8), Out.bias(bias, 48, cols - 12), low, high, cols - 8);
}
