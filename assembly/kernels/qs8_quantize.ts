/** Ops between f32 and the grid, 16 elements at a time. */
import { Field } from "../lib/record";
import { QuantizeDynamicField, QuantizeField } from "../shared/plan";
import { Bytes } from "./bytes";
import { Lanes } from "./lanes";
import { Requantize } from "./qs8_epilogue";

export function qs8_quantize(r: usize): void {
  const scale = Field.f32(r, QuantizeField.scale);
  const zero = Field.i32(r, QuantizeField.zero);
  quantize(Field.i32(r, QuantizeField.n), Field.address(r, QuantizeField.a), scale, zero, Field.address(r, QuantizeField.c));
}

export function qs8_dequantize(r: usize): void {
  const scale = f32x4.splat(Field.f32(r, QuantizeField.scale));
  const zero = i16x8.splat(i16(Field.i32(r, QuantizeField.zero)));
  let a = Field.address(r, QuantizeField.a);
  let c = Field.address(r, QuantizeField.c);
  for (let n = Field.i32(r, QuantizeField.n); n > 0; n -= 16, a += 16, c += 64) {
    const x = Bytes.load(a, n);
    const low = i16x8.sub(i16x8.extend_low_i8x16_s(x), zero);
    const high = i16x8.sub(i16x8.extend_high_i8x16_s(x), zero);
    Lanes.store(c, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(low)), scale), n);
    Lanes.store(c + 16, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(low)), scale), n - 4);
    Lanes.store(c + 32, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(high)), scale), n - 8);
    Lanes.store(c + 48, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(high)), scale), n - 12);
  }
}

export function qs8_quantize_dynamic(r: usize): void {
  const n = Field.i32(r, QuantizeDynamicField.n);
  const a = Field.address(r, QuantizeDynamicField.a);
  const dynamic = Field.address(r, QuantizeDynamicField.dynamic);
  qs8_range(n, a, dynamic);
  quantize(n, a, load<f32>(dynamic), load<i32>(dynamic, 4), Field.address(r, QuantizeDynamicField.c));
}

/** Writes {f32 scale, i32 zero} of the grid that covers 0 and all of `a` but NaN. */
export function qs8_range(n: i32, a: usize, dynamic: usize): void {
  let low = f32x4.splat(0);
  let high = f32x4.splat(0);
  for (; n > 0; n -= 4, a += 16) {
    const x = Lanes.load(a, n);
    low = f32x4.pmin(low, x);
    high = f32x4.pmax(high, x);
  }
  const lo = -Lanes.max(f32x4.neg(low));
  const width: f32 = (Lanes.max(high) - lo) / 255;
  const scale: f32 = width === 0 ? 1 : width;
  const q = nearest<f32>(-128 - lo / scale);
  store<f32>(dynamic, scale);
  store<i32>(dynamic, q > -128 ? i32(min<f32>(q, 127)) : -128, 4);
}

function quantize(n: i32, a: usize, scale: f32, zero: i32, c: usize): void {
  const s = f32x4.splat(scale);
  const lo = f32x4.splat(f32(-128) - f32(zero));
  const offset = Requantize.offset(zero);
  const hi = i8x16.splat(127);
  for (; n > 0; n -= 16, a += 64, c += 16) {
    const q0 = Quantize.i32x4(Lanes.load(a, n), s, lo, offset);
    const q1 = Quantize.i32x4(Lanes.load(a + 16, n - 4), s, lo, offset);
    const q2 = Quantize.i32x4(Lanes.load(a + 32, n - 8), s, lo, offset);
    const q3 = Quantize.i32x4(Lanes.load(a + 48, n - 12), s, lo, offset);
    Bytes.store(c, Requantize.narrow(q0, q1, q2, q3, hi), n);
  }
}

export class Quantize {
  /** NaN is 0 before the zero point is added. */
  @inline static i32x4(x: v128, scale: v128, lo: v128, offset: v128): v128 {
    const q = f32x4.div(x, scale);
    return Requantize.round(v128.and(q, f32x4.eq(q, q)), lo, offset);
  }
}
