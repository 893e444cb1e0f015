/** Records whose addresses or sizes depend on data: see `plan.ts` for what a record is. Append only, never renumber. */

/** `c[o, j, i] = a[o, indices[j], i]` with a viewed as [outer, n, inner] of elements of `size` bytes; indices are i32, negative from the end. */
export const enum GatherField {
  size = 2,
  outer,
  n,
  inner,
  count,
  a,
  indices,
  c,
}
