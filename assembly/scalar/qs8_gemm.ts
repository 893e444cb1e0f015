/** `qs8_gemm` as plain loops: the definition that the SIMD kernel is held to, bit for bit. */
import { Field } from "../lib/record";
import { QS8_NR } from "../shared/layout";
import { GemmField } from "../shared/plan";
import { qs8_finish, qs8_input_zero } from "./qs8_epilogue";

/** Element (n, k) of weights packed as [⌈n/16⌉][pairs][16][2]. */
export function qs8_packed(w: usize, pairs: i32, n: i32, k: i32): i32 {
  const panel = n / QS8_NR;
  const lane = n % QS8_NR;
  return load<i8>(w + (<usize>(panel * pairs + (k >> 1)) * QS8_NR + lane) * 2 + (k & 1));
}

export function qs8_gemm(r: usize): void {
  const m = Field.i32(r, GemmField.m);
  const n = Field.i32(r, GemmField.n);
  const k = Field.i32(r, GemmField.k);
  const bias = Field.address(r, GemmField.bias);
  const scale = Field.address(r, GemmField.scale);
  const size = Field.i32(r, GemmField.c_size);
  const e = r + (GemmField.lo << 2);
  const zero = qs8_input_zero(e);
  const pairs = (k + 1) >> 1;
  for (let b = 0; b < Field.i32(r, GemmField.batch); b++) {
    const a = Field.address(r, GemmField.a) + b * Field.i32(r, GemmField.a_step);
    const w = Field.address(r, GemmField.w) + b * Field.i32(r, GemmField.w_step);
    const c = Field.address(r, GemmField.c) + b * Field.i32(r, GemmField.c_step) * size;
    for (let i = 0; i < m; i++) {
      const row = a + i * Field.i32(r, GemmField.lda);
      for (let j = 0; j < n; j++) {
        let acc = 0;
        for (let p = 0; p < k; p++) acc += (load<i8>(row + p) - zero) * qs8_packed(w, pairs, j, p);
        qs8_finish(acc, j, bias, scale, c + (i * Field.i32(r, GemmField.ldc) + j) * size, e);
      }
    }
  }
}
