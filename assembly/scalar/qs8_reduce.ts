/** `qs8_reduce_mean` as plain loops: the definition that the SIMD kernel is held to, bit for bit. */
import { Field } from "../lib/record";
import { ReduceField } from "../shared/plan";
import { qs8_requantize } from "./qs8_epilogue";

export function qs8_reduce_mean(r: usize): void {
  const n = Field.i32(r, ReduceField.n);
  const inner = Field.i32(r, ReduceField.inner);
  const a_zero = Field.i32(r, ReduceField.a_zero);
  const c_zero = Field.i32(r, ReduceField.c_zero);
  const scale = Field.f32(r, ReduceField.scale);
  let a = Field.address(r, ReduceField.a);
  let c = Field.address(r, ReduceField.c);
  for (let o = 0; o < Field.i32(r, ReduceField.outer); o++, a += n * inner)
    for (let i = 0; i < inner; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += load<i8>(a + j * inner + i) - a_zero;
      store<i8>(c++, qs8_requantize(sum, scale, c_zero, -128, 127));
    }
}
