import { Field } from "../lib/record";
import { PANEL_ROWS } from "../shared/layout";
import { GemmField } from "../shared/plan";
import { Epilogue } from "./qs8_epilogue";
import { qs8_panels } from "./qs8_panel";
import { qs8_widen } from "./qs8_widen";

/** Op `qs8_gemm`: up to PANEL_ROWS rows at a time are widened to i16 in scratch and taken through all panels of the weights. */
export function qs8_gemm(r: usize): void {
  const m = Field.i32(r, GemmField.m);
  const k = Field.i32(r, GemmField.k);
  const lda = Field.i32(r, GemmField.lda);
  const size = Field.i32(r, GemmField.c_size);
  const c_stride = Field.i32(r, GemmField.ldc) * size;
  const scratch = Field.address(r, GemmField.scratch);
  const e = r + (GemmField.lo << 2);
  const zero = Epilogue.zero(e);
  const pairs = (k + 1) >> 1;
  for (let b = 0; b < Field.i32(r, GemmField.batch); b++) {
    let a = Field.address(r, GemmField.a) + b * Field.i32(r, GemmField.a_step);
    let c = Field.address(r, GemmField.c) + b * Field.i32(r, GemmField.c_step) * size;
    const w = Field.address(r, GemmField.w) + b * Field.i32(r, GemmField.w_step);
    for (let left = m; left > 0; left -= PANEL_ROWS) {
      const rows = min(left, PANEL_ROWS);
      qs8_widen_even(scratch, a, rows, k, lda, zero);
      const bias = Field.address(r, GemmField.bias);
      qs8_panels(rows, pairs, Field.i32(r, GemmField.n), scratch, w, bias, Field.address(r, GemmField.scale), c, c_stride, size, e);
      a += PANEL_ROWS * lda;
      c += PANEL_ROWS * c_stride;
    }
  }
}

/** Rows of k integers, `lda` apart, less `zero`, as i16 rows of an even length: where k is odd, 0 ends each. */
export function qs8_widen_even(dst: usize, src: usize, rows: i32, k: i32, lda: i32, zero: i32): void {
  const stride = ((k + 1) & ~1) << 1;
  qs8_widen(dst, stride, src, lda, rows, k, zero);
  if (k & 1) for (dst += k << 1; rows > 0; rows--, dst += stride) store<i16>(dst, 0);
}
