import { Field } from "../lib/record";
import { F32_NR } from "../shared/layout";
import { GemmField } from "../shared/plan";
import { F32 } from "./math";

/** Op `f32_gemm`: each output is the sum over k in order, from +0; then the bias is added, then the clamp. */
export function f32_gemm(r: usize): void {
  const m = Field.i32(r, GemmField.m);
  const n = Field.i32(r, GemmField.n);
  const k = Field.i32(r, GemmField.k);
  const lda = Field.i32(r, GemmField.lda);
  const ldc = Field.i32(r, GemmField.ldc);
  const bias = Field.address(r, GemmField.bias);
  const lo = Field.f32(r, GemmField.lo);
  const hi = Field.f32(r, GemmField.hi);
  let a = Field.address(r, GemmField.a);
  let w = Field.address(r, GemmField.w);
  let c = Field.address(r, GemmField.c);
  for (let batch = Field.i32(r, GemmField.batch); batch > 0; batch--) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum: f32 = 0;
        const column = w + (((j / F32_NR) * k * F32_NR + (j % F32_NR)) << 2);
        for (let p = 0; p < k; p++) sum += load<f32>(a + ((i * lda + p) << 2)) * load<f32>(column + ((p * F32_NR) << 2));
        const shift: f32 = bias ? load<f32>(bias + (j << 2)) : 0;
        store<f32>(c + ((i * ldc + j) << 2), F32.clamp(sum + shift, lo, hi));
      }
    }
    a += Field.i32(r, GemmField.a_step) << 2;
    w += Field.i32(r, GemmField.w_step) << 2;
    c += Field.i32(r, GemmField.c_step) << 2;
  }
}
