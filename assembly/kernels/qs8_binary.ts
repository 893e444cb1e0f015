import { Field } from "../lib/record";
import { Binary, BinaryField } from "../shared/plan";
import { Bytes } from "./bytes";
import { Requantize } from "./qs8_epilogue";

/** Op `qs8_binary`. Dims are merged from the inside as long as both inputs lie dense across them, so that rows are as long as they can be. */
export function qs8_binary(r: usize): void {
  let dim = 5;
  let n = Field.i32(r, BinaryField.d5);
  for (; dim > 0; dim--) {
    const outer_a = Field.i32(r, BinaryField.a0 + dim - 1);
    const outer_b = Field.i32(r, BinaryField.b0 + dim - 1);
    const dense = outer_a === n * Field.i32(r, BinaryField.a5) && outer_b === n * Field.i32(r, BinaryField.b5);
    const size = Field.i32(r, BinaryField.d0 + dim - 1);
    if (!dense && size > 1) break;
    n *= size;
  }
  block(r, 0, dim, n, Field.address(r, BinaryField.a), Field.address(r, BinaryField.b), Field.address(r, BinaryField.c));
}

/** Walks dims `dim` to `last` − 1 with a row of n elements inside, and returns the address after the last element written. */
function block(r: usize, dim: i32, last: i32, n: i32, a: usize, b: usize, c: usize): usize {
  if (dim === last) {
    qs8_binary_row(r, n, a, b, c);
    return c + n;
  }
  const da = Field.i32(r, BinaryField.a0 + dim);
  const db = Field.i32(r, BinaryField.b0 + dim);
  for (let i = Field.i32(r, BinaryField.d0 + dim); i > 0; i--, a += da, b += db) c = block(r, dim + 1, last, n, a, b, c);
  return c;
}

export function qs8_binary_row(r: usize, n: i32, a: usize, b: usize, c: usize): void {
  const kind = Field.i32(r, BinaryField.kind);
  if (kind === Binary.add) Row.map(Binary.add, r, n, a, b, c);
  else if (kind === Binary.sub) Row.map(Binary.sub, r, n, a, b, c);
  else Row.map(Binary.mul, r, n, a, b, c);
}

/** `kind` is a constant in each call, so that every kind gets a loop of its own. */
class Row {
  @inline static map(kind: i32, r: usize, n: i32, a: usize, b: usize, c: usize): void {
    const sa = Field.i32(r, BinaryField.a5);
    const sb = Field.i32(r, BinaryField.b5);
    const a_zero = i16x8.splat(i16(Field.i32(r, BinaryField.a_zero)));
    const b_zero = i16x8.splat(i16(Field.i32(r, BinaryField.b_zero)));
    const a_scale = f32x4.splat(Field.f32(r, BinaryField.a_scale));
    const b_scale = f32x4.splat(Field.f32(r, BinaryField.b_scale));
    const zero = Field.i32(r, BinaryField.c_zero);
    const lo = f32x4.splat(f32(Field.i32(r, BinaryField.lo) - zero));
    const hi = i8x16.splat(i8(Field.i32(r, BinaryField.hi)));
    const offset = Requantize.offset(zero);
    for (; n > 0; n -= 16, a += sa << 4, b += sb << 4, c += 16) {
      const x = Bytes.gather(a, sa, n);
      const y = Bytes.gather(b, sb, n);
      const x0 = i16x8.sub(i16x8.extend_low_i8x16_s(x), a_zero);
      const x1 = i16x8.sub(i16x8.extend_high_i8x16_s(x), a_zero);
      const y0 = i16x8.sub(i16x8.extend_low_i8x16_s(y), b_zero);
      const y1 = i16x8.sub(i16x8.extend_high_i8x16_s(y), b_zero);
      const q0 = Requantize.round(Row.low(kind, x0, y0, a_scale, b_scale), lo, offset);
      const q1 = Requantize.round(Row.high(kind, x0, y0, a_scale, b_scale), lo, offset);
      const q2 = Requantize.round(Row.low(kind, x1, y1, a_scale, b_scale), lo, offset);
      const q3 = Requantize.round(Row.high(kind, x1, y1, a_scale, b_scale), lo, offset);
      Bytes.store(c, Requantize.narrow(q0, q1, q2, q3, hi), n);
    }
  }

  /** The result of lanes 0 to 3, on the output's scale, before rounding. */
  @inline static low(kind: i32, x: v128, y: v128, a_scale: v128, b_scale: v128): v128 {
    if (kind === Binary.mul) return Row.scaled(i32x4.extmul_low_i16x8_s(x, y), a_scale);
    return Row.sum(kind, Row.scaled(i32x4.extend_low_i16x8_s(x), a_scale), Row.scaled(i32x4.extend_low_i16x8_s(y), b_scale));
  }

  /** Of lanes 4 to 7. */
  @inline static high(kind: i32, x: v128, y: v128, a_scale: v128, b_scale: v128): v128 {
    if (kind === Binary.mul) return Row.scaled(i32x4.extmul_high_i16x8_s(x, y), a_scale);
    return Row.sum(kind, Row.scaled(i32x4.extend_high_i16x8_s(x), a_scale), Row.scaled(i32x4.extend_high_i16x8_s(y), b_scale));
  }

  @inline static scaled(x: v128, scale: v128): v128 {
    return f32x4.mul(f32x4.convert_i32x4_s(x), scale);
  }

  @inline static sum(kind: i32, x: v128, y: v128): v128 {
    return kind === Binary.add ? f32x4.add(x, y) : f32x4.sub(x, y);
  }
}
