import { Field } from "../lib/record";
import { AttentionField } from "../shared/attention";
import { F32_NR, PANEL_ROWS } from "../shared/layout";
import { f32_matrix } from "./gemm";
import { Lanes } from "./lanes";
import { F32x4 } from "./math";
import { f32_pack_matrix } from "./pack";

/**
 * Op `f32_attention`. Keys and values of a head are packed once; then a block of queries at a time goes all the way to its output, so that scores never
 * leave the cache. Rows of eˣ are not divided by their sums, their outputs are.
 */
export function f32_attention(r: usize): void {
  const heads = Field.i32(r, AttentionField.heads);
  const shared = Field.i32(r, AttentionField.kv_heads);
  const m = Field.i32(r, AttentionField.m);
  const n = Field.i32(r, AttentionField.n);
  const k = Field.i32(r, AttentionField.k);
  const size = Field.i32(r, AttentionField.size);
  const group = heads / shared;
  const panels = Field.address(r, AttentionField.scratch);
  const packed = panels + ((padded(n) * k) << 2);
  for (let batch = 0; batch < Field.i32(r, AttentionField.batch); batch++) {
    for (let g = 0; g < shared; g++) {
      const from = batch * n * shared + g;
      f32_pack_matrix(n, k, Field.address(r, AttentionField.keys) + ((from * k) << 2), 1, shared * k, panels);
      f32_pack_matrix(size, n, Field.address(r, AttentionField.values) + ((from * size) << 2), shared * size, 1, packed);
      for (let h = g * group; h < (g + 1) * group; h++) head(r, batch, h, m, n, k, size, panels, packed);
    }
  }
}

function head(r: usize, batch: i32, h: i32, m: i32, n: i32, k: i32, size: i32, panels: usize, packed: usize): void {
  const heads = Field.i32(r, AttentionField.heads);
  const scale = Field.f32(r, AttentionField.scale);
  const mask_row = Field.i32(r, AttentionField.mask_row) << 2;
  const scores = packed + ((padded(size) * n) << 2);
  const sums = scores + ((min(m, PANEL_ROWS) * n) << 2);
  const first = batch * m * heads + h;
  let q = Field.address(r, AttentionField.q) + ((first * k) << 2);
  let c = Field.address(r, AttentionField.c) + ((first * size) << 2);
  let mask = Field.address(r, AttentionField.mask);
  if (mask) mask += (batch * Field.i32(r, AttentionField.mask_batch) + h * Field.i32(r, AttentionField.mask_head)) << 2;
  for (let left = m; left > 0; left -= PANEL_ROWS) {
    const rows = min(left, PANEL_ROWS);
    f32_matrix(rows, n, k, q, heads * k, panels, 0, scores, n, -Infinity, Infinity);
    for (let i = 0; i < rows; i++) {
      f32_attention_row(n, scores + ((i * n) << 2), mask, scale, sums + (i << 2));
      if (mask) mask += mask_row;
    }
    f32_matrix(rows, size, n, scores, n, packed, 0, c, heads * size, -Infinity, Infinity);
    for (let i = 0; i < rows; i++) divide(size, c + ((i * heads * size) << 2), f32x4.splat(load<f32>(sums + (i << 2))));
    q += (PANEL_ROWS * heads * k) << 2;
    c += (PANEL_ROWS * heads * size) << 2;
  }
}

/** Scores become eˣ of what they are below the largest, scaled and masked; writes their sum. */
export function f32_attention_row(n: i32, a: usize, mask: usize, scale: f32, sum: usize): void {
  const factor = f32x4.splat(scale);
  const whole = n & ~3;
  const rest = n & 3;
  let top = f32x4.splat(-Infinity);
  for (let i = 0; i < whole; i += 4) {
    let x = f32x4.mul(v128.load(a + (i << 2)), factor);
    if (mask) x = f32x4.add(x, v128.load(mask + (i << 2)));
    top = f32x4.max(top, x);
    v128.store(a + (i << 2), x);
  }
  if (rest) {
    let x = f32x4.mul(Lanes.load_tail(a + (whole << 2), rest, 0), factor);
    if (mask) x = f32x4.add(x, Lanes.load_tail(mask + (whole << 2), rest, 0));
    Lanes.store_tail(a + (whole << 2), x, rest);
    top = f32x4.max(top, Lanes.load_tail(a + (whole << 2), rest, -Infinity));
  }
  top = f32x4.splat(Lanes.max(top));
  let total = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) {
    const y = F32x4.exp(f32x4.sub(v128.load(a + (i << 2)), top));
    total = f32x4.add(total, y);
    v128.store(a + (i << 2), y);
  }
  if (rest) {
    const y = F32x4.exp(f32x4.sub(Lanes.load_tail(a + (whole << 2), rest, -Infinity), top));
    total = f32x4.add(total, y);
    Lanes.store_tail(a + (whole << 2), y, rest);
  }
  store<f32>(sum, Lanes.sum(total));
}

function divide(n: i32, c: usize, by: v128): void {
  for (; n >= 4; n -= 4, c += 16) v128.store(c, f32x4.div(v128.load(c), by));
  if (n > 0) Lanes.store_tail(c, f32x4.div(Lanes.load_tail(c, n, 0), by), n);
}

function padded(n: i32): i32 {
  return (n + F32_NR - 1) & -F32_NR;
}
