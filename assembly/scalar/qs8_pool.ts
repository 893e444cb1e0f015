/** `qs8_pool` as plain loops: the definition that the SIMD kernel is held to, bit for bit. */
import { Field } from "../lib/record";
import { Pool, PoolField } from "../shared/plan";
import { qs8_requantize } from "./qs8_epilogue";

export function qs8_pool(r: usize): void {
  const channels = Field.i32(r, PoolField.channels);
  const plane = Field.i32(r, PoolField.in_h) * Field.i32(r, PoolField.in_w) * channels;
  const average = Field.i32(r, PoolField.kind) === Pool.average;
  let a = Field.address(r, PoolField.a);
  let c = Field.address(r, PoolField.c);
  for (let b = 0; b < Field.i32(r, PoolField.batch); b++, a += plane)
    for (let y = 0; y < Field.i32(r, PoolField.out_h); y++)
      for (let x = 0; x < Field.i32(r, PoolField.out_w); x++)
        for (let i = 0; i < channels; i++) store<i8>(c++, window(r, a + i, y, x, average));
}

function window(r: usize, a: usize, y: i32, x: i32, average: bool): i32 {
  const in_h = Field.i32(r, PoolField.in_h);
  const in_w = Field.i32(r, PoolField.in_w);
  const channels = Field.i32(r, PoolField.channels);
  const zero = Field.i32(r, PoolField.a_zero);
  const pad_top = Field.i32(r, PoolField.pad_top);
  const pad_left = Field.i32(r, PoolField.pad_left);
  const bottom = in_h + Field.i32(r, PoolField.pad_bottom);
  const right = in_w + Field.i32(r, PoolField.pad_right);
  const include_pad = Field.i32(r, PoolField.include_pad) !== 0;
  let count = 0;
  let sum = 0;
  let largest = -128;
  for (let ky = 0; ky < Field.i32(r, PoolField.kernel_h); ky++)
    for (let kx = 0; kx < Field.i32(r, PoolField.kernel_w); kx++) {
      const iy = y * Field.i32(r, PoolField.stride_h) - pad_top + ky * Field.i32(r, PoolField.dilation_h);
      const ix = x * Field.i32(r, PoolField.stride_w) - pad_left + kx * Field.i32(r, PoolField.dilation_w);
      const inside = iy >= 0 && iy < in_h && ix >= 0 && ix < in_w;
      if (inside || (include_pad && iy < bottom && ix < right)) count++;
      if (!inside) continue;
      const value = <i32>load<i8>(a + (iy * in_w + ix) * channels);
      sum += value - zero;
      largest = max(largest, value);
    }
  if (!average) return largest;
  return qs8_requantize(sum, Field.f32(r, PoolField.scale) / f32(max(count, 1)), Field.i32(r, PoolField.c_zero), -128, 127);
}
