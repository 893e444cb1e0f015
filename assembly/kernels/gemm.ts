import { Field } from "../lib/record";
import { F32_NR, PANEL_ROWS } from "../shared/layout";
import { GemmField } from "../shared/plan";
import { f32_gemm_1x16, f32_gemm_3x8, f32_gemm_4x8 } from "./gemm_tiles";

/** Op `f32_gemm`: each output is the sum over k in order, from +0; then the bias is added, then the clamp. */
export function f32_gemm(r: usize): void {
  let a = Field.address(r, GemmField.a);
  let w = Field.address(r, GemmField.w);
  let c = Field.address(r, GemmField.c);
  const a_step = Field.i32(r, GemmField.a_step) << 2;
  const w_step = Field.i32(r, GemmField.w_step) << 2;
  const c_step = Field.i32(r, GemmField.c_step) << 2;
  for (let batch = Field.i32(r, GemmField.batch); batch > 0; batch--, a += a_step, w += w_step, c += c_step) {
    f32_matrix(
      Field.i32(r, GemmField.m),
      Field.i32(r, GemmField.n),
      Field.i32(r, GemmField.k),
      a,
      Field.i32(r, GemmField.lda),
      w,
      Field.address(r, GemmField.bias),
      c,
      Field.i32(r, GemmField.ldc),
      Field.f32(r, GemmField.lo),
      Field.f32(r, GemmField.hi),
    );
  }
}

/** One matrix product, panel by panel; a block of rows stays in cache while the weights stream past. */
export function f32_matrix(m: i32, n: i32, k: i32, a: usize, lda: i32, w: usize, bias: usize, c: usize, ldc: i32, lo: f32, hi: f32): void {
  if (m === 1) {
    vector(n, k, a, w, bias, c, lo, hi);
    return;
  }
  for (; m > 0; m -= PANEL_ROWS) {
    const rows = min(m, PANEL_ROWS);
    const rest = rows & 3;
    const whole = rows - rest;
    let panel = w;
    for (let j = 0; j < n; j += F32_NR) {
      const shift = bias ? bias + (j << 2) : 0;
      const to = c + (j << 2);
      if (rows >= 4) f32_gemm_4x8(rows, n - j, k, a, lda << 2, panel, shift, to, ldc << 2, lo, hi);
      if (rest) f32_gemm_3x8(rest, n - j, k, a + whole * (lda << 2), lda << 2, panel, shift, to + whole * (ldc << 2), ldc << 2, lo, hi);
      panel += (k * F32_NR) << 2;
    }
    a += (PANEL_ROWS * lda) << 2;
    c += (PANEL_ROWS * ldc) << 2;
  }
}

function vector(n: i32, k: i32, a: usize, w: usize, bias: usize, c: usize, lo: f32, hi: f32): void {
  for (; n > F32_NR; n -= 2 * F32_NR) {
    f32_gemm_1x16(k, a, w, bias, c, min(n, 2 * F32_NR), lo, hi);
    w += (2 * F32_NR * k) << 2;
    c += 2 * F32_NR * 4;
    if (bias) bias += 2 * F32_NR * 4;
  }
  if (n > 0) f32_gemm_3x8(1, n, k, a, 0, w, bias, c, 0, lo, hi);
}
