/** Between f32 and the grid, as plain loops: the definition that the SIMD kernels are held to, bit for bit. */
import { Field } from "../lib/record";
import { QuantizeDynamicField, QuantizeField } from "../shared/plan";
import { qs8_clamp } from "./qs8_epilogue";

export function qs8_quantize(r: usize): void {
  const scale = Field.f32(r, QuantizeField.scale);
  const zero = Field.i32(r, QuantizeField.zero);
  quantize(Field.i32(r, QuantizeField.n), Field.address(r, QuantizeField.a), scale, zero, Field.address(r, QuantizeField.c));
}

export function qs8_dequantize(r: usize): void {
  const a = Field.address(r, QuantizeField.a);
  const c = Field.address(r, QuantizeField.c);
  const scale = Field.f32(r, QuantizeField.scale);
  const zero = Field.i32(r, QuantizeField.zero);
  for (let i: usize = 0, n: usize = Field.i32(r, QuantizeField.n); i < n; i++)
    store<f32>(c + (i << 2), f32(load<i8>(a + i) - zero) * scale);
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
  let lo: f32 = 0;
  let hi: f32 = 0;
  for (let i = 0; i < n; i++) {
    const x = load<f32>(a + ((<usize>i) << 2));
    if (x < lo) lo = x;
    if (x > hi) hi = x;
  }
  qs8_grid(lo, hi, dynamic);
}

/** Writes {f32 scale, i32 zero} of the grid that covers lo..hi, where lo ≤ 0 ≤ hi. */
export function qs8_grid(lo: f32, hi: f32, dynamic: usize): void {
  const range: f32 = (hi - lo) / 255;
  const scale: f32 = range === 0 ? 1 : range;
  store<f32>(dynamic, scale);
  store<i32>(dynamic, i32(qs8_clamp(nearest<f32>(-128 - lo / scale), -128, 127)), 4);
}

function quantize(n: i32, a: usize, scale: f32, zero: i32, c: usize): void {
  const lo = -128 - zero;
  const hi = 127 - zero;
  for (let i = 0; i < n; i++) {
    const q = load<f32>(a + ((<usize>i) << 2)) / scale;
    store<i8>(c + i, Number.isNaN(q) ? zero : i32(nearest(qs8_clamp(q, f32(lo), f32(hi)))) + zero);
  }
}
