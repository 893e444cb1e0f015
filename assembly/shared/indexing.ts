/**
 * Records whose addresses or sizes depend on data: see `plan.ts` for what a record is. Append only, never renumber.
 *
 * Indices are i32, from −n to n − 1 in a dimension of n, negative ones from its end; others trap. `[outer, n, inner]` is a dense view around one axis, `size`
 * the bytes of an element, `element` its type. Where a record finds out how long its output is, it stores that as an i32 at `length`; the output has room for
 * the most there can be, is laid out for that, and the places that are not needed are 0.
 */

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

/** What a scattered value does to the one that is there. */
export const enum Reduction {
  none = 0,
  add = 1,
  mul = 2,
  min = 3,
  max = 4,
}

/**
 * `indices` and `values` are dense over dims d0 (outermost) to d5; each index names the element `Σ iₖ·sₖ + index·stride` of `data`, along an axis of n.
 * gather_elements: `values[i] = data[…]`; `reduction` is not read. scatter_elements: `data[…] = reduction(data[…], values[i])`, in order.
 */
export const enum ElementsField {
  element = 2,
  reduction,
  d0,
  d1,
  d2,
  d3,
  d4,
  d5,
  s0,
  s1,
  s2,
  s3,
  s4,
  s5,
  n,
  stride,
  data,
  indices,
  values,
}

/**
 * `indices` is [batch, count, depth]: points of `data`, which is [batch, n0, …, n(depth−1), inner]; `values` is [batch, count, inner]. gather_nd:
 * `values[b, j] = data[b, point j]`; `reduction` is not read. scatter_nd: `data[b, point j] = reduction(data[b, point j], values[b, j])`, in order.
 */
export const enum PointsField {
  element = 2,
  reduction,
  batch,
  count,
  depth,
  n0,
  n1,
  n2,
  n3,
  n4,
  n5,
  inner,
  data,
  indices,
  values,
}

/** `c[o, i]` is the index along n of the largest of `a[o, :, i]` (`least`: of the smallest), the first of equals (`last`: the last). `scratch` has `inner` elements. */
export const enum ArgField {
  element = 2,
  least,
  last,
  outer,
  n,
  inner,
  a,
  c,
  scratch,
}

/** The k largest (`least`: smallest) of each `a[o, :, i]`, best first, of equals the first: `values` and their `indices` are [outer, k, inner]. `scratch` has 4·k bytes. */
export const enum TopKField {
  element = 2,
  least,
  outer,
  n,
  inner,
  k,
  a,
  values,
  indices,
  scratch,
}

/** `c[o, j, i] = Σ a[o, 0…j, i]`, without element j where `exclusive`, from the end where `reverse`; `element` is f32 or i32. */
export const enum CumulativeSumField {
  element = 2,
  exclusive,
  reverse,
  outer,
  n,
  inner,
  a,
  c,
}

/** `c[o, j, i] = values[indices[o, i] == j ? 1 : 0]` over n classes; indices of type `element`, negative ones from the end, others hit nothing. */
export const enum OneHotField {
  element = 2,
  size,
  outer,
  n,
  inner,
  indices,
  values,
  c,
}

/** `c` is [rank, n]: column j has the coordinates of the j-th of the n elements of a, of dims d0 to d(rank−1), that is not 0. */
export const enum NonZeroField {
  element = 2,
  rank,
  n,
  d0,
  d1,
  d2,
  d3,
  d4,
  d5,
  a,
  c,
  length,
}

/** `c[o, :, i]` are those of `a[o, :, i]` whose byte of `condition` is not 0; it has `count` ≤ n bytes. c is [outer, count, inner]. */
export const enum CompressField {
  size = 2,
  outer,
  n,
  inner,
  count,
  a,
  condition,
  c,
  length,
}

/**
 * The different ones of the n slices `a[:, j, :]`: `c[:, u, :]` is the u-th, `indices[u]` where it is first, `counts[u]` how often it is there;
 * `inverse[j]` says which of them slice j is. In the order of their elements where `sorted`, otherwise as they come. `scratch` has 4·n bytes.
 */
export const enum UniqueField {
  element = 2,
  sorted,
  outer,
  n,
  inner,
  a,
  c,
  indices,
  inverse,
  counts,
  length,
  scratch,
}

/**
 * f32 `boxes` [batch, n, 4] and `scores` [batch, classes, n]: of each class, best score first, the boxes that overlap none chosen before by an IoU of more than
 * the f32 at `iou`, at most as many as the i32 at `most`, with scores above the f32 at `score` (absent: all). Boxes are corners y1, x1, y2, x2 in any order, or
 * with `center` middles and extents x, y, w, h. `c` is [bound, 3]: batch, class, box. `scratch` has 4·n bytes.
 */
export const enum NonMaxSuppressionField {
  batch = 2,
  classes,
  n,
  center,
  bound,
  boxes,
  scores,
  most,
  iou,
  score,
  c,
  length,
  scratch,
}

/** Rows of `bytes` at `a + b·batch_step + t·time_step`: for each b the first `lengths[b]` of n in reverse, the others in place. Steps are in bytes; c lies as a does. */
export const enum ReverseSequenceField {
  batch = 2,
  n,
  bytes,
  batch_step,
  time_step,
  a,
  lengths,
  c,
}
