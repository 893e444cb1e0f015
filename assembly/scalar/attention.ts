import { Field } from "../lib/record";
import { AttentionField } from "../shared/attention";
import { Lanes } from "./lanes";
import { F32 } from "./math";

/** Op `f32_attention`: sums over k and over keys in order, from +0; the sum of a row of eˣ divides its outputs. */
export function f32_attention(r: usize): void {
  const heads = Field.i32(r, AttentionField.heads);
  const shared = Field.i32(r, AttentionField.kv_heads);
  const m = Field.i32(r, AttentionField.m);
  const n = Field.i32(r, AttentionField.n);
  const k = Field.i32(r, AttentionField.k);
  const size = Field.i32(r, AttentionField.size);
  const scores = Field.address(r, AttentionField.scratch);
  for (let batch = 0; batch < Field.i32(r, AttentionField.batch); batch++) {
    for (let i = 0; i < m; i++) {
      for (let h = 0; h < heads; h++) {
        const at = (batch * m + i) * heads + h;
        const from = batch * n * shared + h / (heads / shared);
        const q = Field.address(r, AttentionField.q) + ((at * k) << 2);
        const c = Field.address(r, AttentionField.c) + ((at * size) << 2);
        const keys = Field.address(r, AttentionField.keys) + ((from * k) << 2);
        const values = Field.address(r, AttentionField.values) + ((from * size) << 2);
        const sum = row(r, batch, h, i, n, k, q, keys, shared * k, scores);
        for (let d = 0; d < size; d++) store<f32>(c + (d << 2), mixed(n, scores, values + (d << 2), shared * size) / sum);
      }
    }
  }
}

/** eˣ of the scores of one query below the largest; returns their sum. */
function row(r: usize, batch: i32, h: i32, i: i32, n: i32, k: i32, q: usize, keys: usize, step: i32, scores: usize): f32 {
  const scale = Field.f32(r, AttentionField.scale);
  const mask = Field.address(r, AttentionField.mask);
  const shift =
    batch * Field.i32(r, AttentionField.mask_batch) +
    h * Field.i32(r, AttentionField.mask_head) +
    i * Field.i32(r, AttentionField.mask_row);
  let top: f32 = -Infinity;
  for (let j = 0; j < n; j++) {
    let x: f32 = 0;
    for (let p = 0; p < k; p++) x += load<f32>(q + (p << 2)) * load<f32>(keys + ((j * step + p) << 2));
    x *= scale;
    if (mask) x += load<f32>(mask + ((shift + j) << 2));
    top = max<f32>(top, x);
    store<f32>(scores + (j << 2), x);
  }
  for (let j = 0; j < n; j++) store<f32>(scores + (j << 2), F32.exp(load<f32>(scores + (j << 2)) - top));
  return Lanes.sum(scores, n);
}

function mixed(n: i32, weights: usize, values: usize, step: i32): f32 {
  let y: f32 = 0;
  for (let j = 0; j < n; j++) y += load<f32>(weights + (j << 2)) * load<f32>(values + ((j * step) << 2));
  return y;
}
