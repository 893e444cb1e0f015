/** Records that read images between their elements: see `plan.ts` for what a record is. Append only, never renumber. */

/**
 * Along one axis of a viewed as [outer, n, inner]: `c[o, j, i] = Σₜ weight[j, t] · a[o, index[j, t], i]`, t < taps. Tables are made when the model is packed:
 * any resizing whose scales are known is one such record an axis.
 */
export const enum ResampleField {
  outer = 2,
  n,
  inner,
  count,
  taps,
  a,
  index,
  weight,
  c,
}
