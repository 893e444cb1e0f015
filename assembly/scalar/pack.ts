import { Field } from "../lib/record";
import { F32_NR } from "../shared/layout";
import { PackField } from "../shared/plan";

/** Op `f32_pack`. */
export function f32_pack(r: usize): void {
  const n = Field.i32(r, PackField.n);
  const k = Field.i32(r, PackField.k);
  const ks = Field.i32(r, PackField.k_stride);
  const ns = Field.i32(r, PackField.n_stride);
  const panels = (n + F32_NR - 1) / F32_NR;
  let b = Field.address(r, PackField.b);
  let w = Field.address(r, PackField.w);
  for (let batch = Field.i32(r, PackField.batch); batch > 0; batch--) {
    for (let p = 0; p < panels; p++) {
      for (let i = 0; i < k; i++) {
        for (let lane = 0; lane < F32_NR; lane++) {
          const j = p * F32_NR + lane;
          const x: f32 = j < n ? load<f32>(b + ((i * ks + j * ns) << 2)) : 0;
          store<f32>(w + (((p * k + i) * F32_NR + lane) << 2), x);
        }
      }
    }
    b += Field.i32(r, PackField.b_step) << 2;
    w += Field.i32(r, PackField.w_step) << 2;
  }
}
