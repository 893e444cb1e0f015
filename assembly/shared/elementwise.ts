/** Records over elements of any type: see `plan.ts` for what a record is. Append only, never renumber. */

/** Types of elements in wasm memory. */
export const enum Element {
  f32 = 0,
  i32 = 1,
  i8 = 2,
  u8 = 3,
  /** One byte, 0 or 1. */
  bool = 4,
  /** f32 in memory, rounded to the values of the format: what `cast` makes, and nothing reads. */
  f16 = 5,
  bf16 = 6,
}

/** `c[i] = a[i]` as another type: to integers toward zero and saturated to i32, then wrapped to the width; to bool whether it differs from 0. */
export const enum CastField {
  n = 2,
  a,
  c,
  from,
  to,
}

/** `and`, `or`, `xor` on bool are the bitwise ones. */
export const enum ElementBinary {
  add = 0,
  sub = 1,
  mul = 2,
  /** Integers toward zero. */
  div = 3,
  pow = 4,
  min = 5,
  max = 6,
  /** Remainder with the sign of the divisor. */
  mod = 7,
  /** Remainder with the sign of the dividend. */
  fmod = 8,
  bit_and = 9,
  bit_or = 10,
  bit_xor = 11,
  shift_left = 12,
  shift_right = 13,
  /** From here on the result is bool. */
  equal = 14,
  less = 15,
  less_equal = 16,
  greater = 17,
  greater_equal = 18,
}

/**
 * `c[i] = kind(a[…], b[…])` over dims d0 (outermost) to d5, c dense; a stride of 0 broadcasts, strides count elements. a and b are of `type`, c too
 * unless it is bool. Integers wrap to their width; what has no result (x / 0, x mod 0, 0 to a negative power) is 0. On f32 only mod, fmod and comparisons.
 */
export const enum ElementBinaryField {
  kind = 2,
  d0,
  d1,
  d2,
  d3,
  d4,
  d5,
  a,
  a0,
  a1,
  a2,
  a3,
  a4,
  a5,
  b,
  b0,
  b1,
  b2,
  b3,
  b4,
  b5,
  c,
  type,
}

export const enum ElementUnary {
  abs = 0,
  neg = 1,
  sign = 2,
  bit_not = 3,
  /** Within `lo` to `hi`. */
  clamp = 4,
  /** From here on a is f32 (for `not` bool) and the result bool. */
  not = 5,
  is_nan = 6,
  /** −∞ counts where `lo` is not 0, +∞ where `hi` is not 0. */
  is_inf = 7,
}

/** `c[i] = kind(a[i])` on elements of `type`; integers wrap to their width. */
export const enum ElementUnaryField {
  kind = 2,
  n,
  a,
  c,
  type,
  lo,
  hi,
}

/** `c[i] = condition[…] ? a[…] : b[…]` as in ElementBinaryField; `condition` is bool, its strides p0 to p5; a, b and c have elements of `size` (1 or 4) bytes. */
export const enum WhereField {
  size = 2,
  d0,
  d1,
  d2,
  d3,
  d4,
  d5,
  condition,
  p0,
  p1,
  p2,
  p3,
  p4,
  p5,
  a,
  a0,
  a1,
  a2,
  a3,
  a4,
  a5,
  b,
  b0,
  b1,
  b2,
  b3,
  b4,
  b5,
  c,
}
