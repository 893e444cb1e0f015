/**
 * From i32 accumulators to outputs: the definition (docs/quantization.md, "Requantization" and "Operators").
 * `e` is the address of a record's `lo` field (EpilogueField).
 */
import { Field } from "../lib/record";
import { EpilogueField } from "../shared/plan";
import { F32 } from "./math";

/** Requantization: the nearest integer (ties to even) of the clamped product, and the zero point. */
export function qs8_requantize(acc: i32, factor: f32, zero: i32, lo: i32, hi: i32): i32 {
  return i32(nearest(qs8_clamp(f32(acc) * factor, f32(lo - zero), f32(hi - zero)))) + zero;
}

/** Bounds on numbers that are about to become integers; NaN becomes `lo`, so that no conversion traps. */
export function qs8_clamp(x: f32, lo: f32, hi: f32): f32 {
  const bounded = x > lo ? x : lo;
  return bounded < hi ? bounded : hi;
}

/** Zero point of the input: the record's, or the one found at run time. */
export function qs8_input_zero(e: usize): i32 {
  const dynamic = Field.address(e, EpilogueField.dynamic);
  return dynamic ? load<i32>(dynamic, 4) : Field.i32(e, EpilogueField.a_zero);
}

/** Finishes output `channel` (its place in the padded bias and scale) and stores it at `c`. `bias` may be 0. */
export function qs8_finish(acc: i32, channel: i32, bias: usize, scale: usize, c: usize, e: usize): void {
  const at = (<usize>channel) << 2;
  const factor = load<f32>(scale + at);
  if (Field.i32(e, EpilogueField.c_size) === 1) {
    const sum = bias ? acc + load<i32>(bias + at) : acc;
    const zero = Field.i32(e, EpilogueField.c_zero);
    store<i8>(c, qs8_requantize(sum, factor, zero, Field.i32(e, EpilogueField.lo), Field.i32(e, EpilogueField.hi)));
    return;
  }
  const dynamic = Field.address(e, EpilogueField.dynamic);
  const product = f32(acc) * (dynamic ? load<f32>(dynamic) * factor : factor);
  const sum = product + (bias ? load<f32>(bias + at) : 0);
  store<f32>(c, F32.clamp(sum, Field.f32(e, EpilogueField.lo), Field.f32(e, EpilogueField.hi)));
}
