/** `qs8_binary` as plain loops: the definition that the SIMD kernel is held to, bit for bit. */
import { Field } from "../lib/record";
import { Binary, BinaryField } from "../shared/plan";
import { qs8_clamp, qs8_requantize } from "./qs8_epilogue";

export function qs8_binary(r: usize): void {
  block(r, 0, Field.address(r, BinaryField.a), Field.address(r, BinaryField.b), Field.address(r, BinaryField.c));
}

/** Walks dims `dim` to 5 and returns the address after the last element written. */
function block(r: usize, dim: i32, a: usize, b: usize, c: usize): usize {
  if (dim === 6) {
    store<i8>(c, qs8_combine(r, load<i8>(a), load<i8>(b)));
    return c + 1;
  }
  for (let i = 0; i < Field.i32(r, BinaryField.d0 + dim); i++) {
    c = block(r, dim + 1, a, b, c);
    a += Field.i32(r, BinaryField.a0 + dim);
    b += Field.i32(r, BinaryField.b0 + dim);
  }
  return c;
}

/** One output from the integers of its inputs. */
export function qs8_combine(r: usize, a: i32, b: i32): i32 {
  const x = a - Field.i32(r, BinaryField.a_zero);
  const y = b - Field.i32(r, BinaryField.b_zero);
  const lo = Field.i32(r, BinaryField.lo);
  const hi = Field.i32(r, BinaryField.hi);
  const zero = Field.i32(r, BinaryField.c_zero);
  const a_scale = Field.f32(r, BinaryField.a_scale);
  const kind = Field.i32(r, BinaryField.kind);
  if (kind === Binary.mul) return qs8_requantize(x * y, a_scale, zero, lo, hi);
  const p = f32(x) * a_scale;
  const q = f32(y) * Field.f32(r, BinaryField.b_scale);
  return i32(nearest(qs8_clamp(kind === Binary.add ? p + q : p - q, f32(lo - zero), f32(hi - zero)))) + zero;
}
