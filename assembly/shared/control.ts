/** Records that move the interpreter: see `plan.ts` for what a record is. Append only, never renumber. */

/** Goes on `words` words after this record's first word (negative: back). */
export const enum JumpField {
  words = 2,
}

/** As `jump`, where the i32 at `cond` equals `value` (a u8 where `size` is 1). */
export const enum JumpIfField {
  words = 2,
  cond,
  size,
  value,
}

/** As `jump`, where the i32 at `a` is less than the i32 at `b`. */
export const enum JumpBelowField {
  words = 2,
  a,
  b,
}

/** Adds `step` to the i32 at `at`. */
export const enum CountField {
  at = 2,
  step,
}

/**
 * Copies `bytes` bytes from `src` + i · `src_step` to `dst` + j · `dst_step`, where i and j are the i32 at `src_index` and `dst_index`, 0 where those are 0;
 * source and destination may overlap.
 */
export const enum CopyAtField {
  bytes = 2,
  src,
  src_index,
  src_step,
  dst,
  dst_index,
  dst_step,
}
