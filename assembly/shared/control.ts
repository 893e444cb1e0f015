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
