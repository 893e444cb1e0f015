import * as simd from "../kernels/index";
import * as scalar from "../scalar/index";
import { AttentionField } from "../shared/attention";
import { allocate, floats, record, SAME, seed, set, set_f32, twins } from "./harness";

const BATCH = 2;

/** `mask`: 0 none, 1 one row for all, 2 rows of their own for each batch, head and query. */
function attention(heads: i32, shared: i32, m: i32, n: i32, k: i32, size: i32, mask: i32): i32 {
  seed(heads + m * 3 + n * 40 + k * 7 + size + mask);
  const r = record(AttentionField.scratch + 1);
  set(r, AttentionField.batch, BATCH);
  set(r, AttentionField.heads, heads);
  set(r, AttentionField.kv_heads, shared);
  set(r, AttentionField.m, m);
  set(r, AttentionField.n, n);
  set(r, AttentionField.k, k);
  set(r, AttentionField.size, size);
  set(r, AttentionField.q, <i32>floats(BATCH * m * heads * k));
  set(r, AttentionField.keys, <i32>floats(BATCH * n * shared * k));
  set(r, AttentionField.values, <i32>floats(BATCH * n * shared * size));
  if (mask) set(r, AttentionField.mask, <i32>floats(BATCH * heads * m * n));
  if (mask > 1) {
    set(r, AttentionField.mask_row, n);
    set(r, AttentionField.mask_head, m * n);
    set(r, AttentionField.mask_batch, heads * m * n);
  }
  set_f32(r, AttentionField.scale, 0.4);
  set(r, AttentionField.scratch, <i32>allocate((((n + 8) * k + (size + 8) * n + 48 * n + 48) << 2) + 64));
  return twins(r, AttentionField.c, (BATCH * m * heads * size) << 2, simd.f32_attention, scalar.f32_attention);
}

describe("f32_attention", () => {
  test("gives the bits of its definition for every tail", () => {
    for (let n = 1; n < 12; n++) expect<i32>(attention(2, 2, 3, n, 5, 6, 0)).toBe(SAME, "keys");
    for (let k = 1; k < 10; k++) expect<i32>(attention(2, 2, 5, 7, k, 4, 0)).toBe(SAME, "size of queries");
    for (let size = 1; size < 10; size++) expect<i32>(attention(2, 2, 5, 7, 4, size, 0)).toBe(SAME, "size of values");
  });

  test("goes through queries block by block", () => {
    expect<i32>(attention(1, 1, 1, 9, 8, 8, 0)).toBe(SAME, "one");
    expect<i32>(attention(2, 2, 101, 17, 8, 8, 0)).toBe(SAME, "three blocks");
  });

  test("shares keys and values among heads", () => {
    expect<i32>(attention(6, 2, 4, 5, 8, 8, 0)).toBe(SAME, "groups of three");
    expect<i32>(attention(4, 1, 50, 5, 8, 8, 2)).toBe(SAME, "one for all");
  });

  test("adds a mask", () => {
    expect<i32>(attention(2, 2, 50, 7, 4, 4, 1)).toBe(SAME, "the same row for all");
    expect<i32>(attention(2, 2, 50, 7, 4, 4, 2)).toBe(SAME, "rows of their own");
  });
});
