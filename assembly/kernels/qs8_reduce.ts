import { Field } from "../lib/record";
import { ReduceField } from "../shared/plan";
import { Bytes } from "./bytes";
import { Requantize } from "./qs8_epilogue";

/** Op `qs8_reduce_mean`. */
export function qs8_reduce_mean(r: usize): void {
  const n = Field.i32(r, ReduceField.n);
  const inner = Field.i32(r, ReduceField.inner);
  let a = Field.address(r, ReduceField.a);
  let c = Field.address(r, ReduceField.c);
  for (let o = Field.i32(r, ReduceField.outer); o > 0; o--, a += n * inner, c += inner) {
    if (inner === 1) qs8_mean_row(r, a, n, c);
    else qs8_mean_columns(r, a, n, inner, c);
  }
}

/** The mean of n adjacent elements. */
export function qs8_mean_row(r: usize, a: usize, n: i32, c: usize): void {
  let sum = i32x4.splat(0);
  for (let left = n; left > 0; left -= 16, a += 16)
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(Bytes.load(a, left))));
  sum = i32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 0, 1));
  sum = i32x4.add(sum, v128.shuffle<i32>(sum, sum, 1, 0, 3, 2));
  sum = i32x4.sub(sum, i32x4.splat(n * Field.i32(r, ReduceField.a_zero)));
  v128.store8_lane(c, Requantize.sums(sum, sum, sum, sum, Field.f32(r, ReduceField.scale), Field.i32(r, ReduceField.c_zero)), 0);
}

/** The means of `inner` columns of n elements, 16 columns at a time. */
export function qs8_mean_columns(r: usize, a: usize, n: i32, inner: i32, c: usize): void {
  const start = i32x4.splat(-n * Field.i32(r, ReduceField.a_zero));
  for (let left = inner; left > 0; left -= 16, a += 16, c += 16) {
    let s0 = start;
    let s1 = start;
    let s2 = start;
    let s3 = start;
    let p = a;
    for (let i = 0; i < n; i++, p += inner) {
      const x = Bytes.load(p, left);
      const low = i16x8.extend_low_i8x16_s(x);
      const high = i16x8.extend_high_i8x16_s(x);
      s0 = i32x4.add(s0, i32x4.extend_low_i16x8_s(low));
      s1 = i32x4.add(s1, i32x4.extend_high_i16x8_s(low));
      s2 = i32x4.add(s2, i32x4.extend_low_i16x8_s(high));
      s3 = i32x4.add(s3, i32x4.extend_high_i16x8_s(high));
    }
    Bytes.store(c, Requantize.sums(s0, s1, s2, s3, Field.f32(r, ReduceField.scale), Field.i32(r, ReduceField.c_zero)), left);
  }
}
