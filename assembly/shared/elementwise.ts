/** Records over elements of any type: see `plan.ts` for what a record is. Append only, never renumber. */

/** Types of elements in wasm memory. */
export const enum Element {
  f32 = 0,
  i32 = 1,
  i8 = 2,
  u8 = 3,
  /** One byte, 0 or 1. */
  bool = 4,
}

/** `c[i] = a[i]` as another type: to integers toward zero and saturated to i32, then wrapped to the width; to bool whether it differs from 0. */
export const enum CastField {
  n = 2,
  a,
  c,
  from,
  to,
}
