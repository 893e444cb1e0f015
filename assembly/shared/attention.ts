/** Attention, as `shared/plan` describes records: enums and literals only. */

/**
 * `c = softmax(q · kᵀ · scale + mask) · v` for each of `heads` heads. q is [batch, m, heads, k], k is [batch, n, kv_heads, k], v is [batch, n, kv_heads,
 * size], c is [batch, m, heads, size], all dense; heads / kv_heads neighbouring heads share their keys and values. `mask` (0 for none) has rows of n
 * elements, `mask_*` apart, 0 where it is the same for all. `scratch` has `attentionScratch` bytes (src/ops/scaled-dot-product-attention.ts).
 */
export enum AttentionField {
  batch = 2,
  heads,
  kv_heads,
  m,
  n,
  k,
  size,
  q,
  keys,
  values,
  mask,
  mask_batch,
  mask_head,
  mask_row,
  scale,
  c,
  scratch,
}
