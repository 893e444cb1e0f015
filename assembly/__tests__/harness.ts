/**
 * What a kernel's test needs: seeded numbers in memory, a plan record, and the comparison of the SIMD kernel with its definition.
 *
 *     seed(1);
 *     const r = record(32);
 *     set(r, UnaryField.a, <i32>floats(n));
 *     expect(twins(r, UnaryField.c, 4 * n, simd.f32_unary, scalar.f32_unary)).toBe(SAME, "…");
 */

/** `twins` found no difference. */
export const SAME: i32 = -1;
/** `twins` found that nothing was written. */
export const UNTOUCHED: i32 = -2;

/** Bytes watched on both sides of an output. */
const MARGIN: usize = 64;
const CANARY: u8 = 0xa5;

let state: u32 = 1;

export function seed(value: u32): void {
  state = value * 2654435761 + 1;
}

/** Marsaglia's xorshift32. */
export function random(): u32 {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

/** Zeroed memory for `bytes`, aligned to 16; tests are short and never free. */
export function allocate(bytes: i32): usize {
  const p = (heap.alloc(bytes + 16) + 15) & ~15;
  memory.fill(p, 0, bytes);
  return p;
}

/** `n` f32 in lo..hi. */
export function floats(n: i32, lo: f32 = -2, hi: f32 = 2): usize {
  const p = allocate(n << 2);
  for (let i = 0; i < n; i++) store<f32>(p + (i << 2), lo + (hi - lo) * (<f32>(random() >> 8) / 16777216));
  return p;
}

/** `n` i8 in lo..hi, both included. */
export function bytes(n: i32, lo: i32 = -128, hi: i32 = 127): usize {
  const p = allocate(n);
  for (let i = 0; i < n; i++) store<i8>(p + i, <i8>(lo + <i32>(random() % <u32>(hi - lo + 1))));
  return p;
}

/** `n` i32 in lo..hi, both included. */
export function integers(n: i32, lo: i32, hi: i32): usize {
  const p = allocate(n << 2);
  for (let i = 0; i < n; i++) store<i32>(p + (i << 2), lo + <i32>(random() % <u32>(hi - lo + 1)));
  return p;
}

/** A record with all its fields 0. */
export function record(words: i32): usize {
  return allocate(words << 2);
}

export function set(r: usize, field: i32, value: i32): void {
  store<i32>(r + (field << 2), value);
}

export function set_f32(r: usize, field: i32, value: f32): void {
  store<f32>(r + (field << 2), value);
}

export function get(r: usize, field: i32): i32 {
  return load<i32>(r + (field << 2));
}

/**
 * Runs both kernels on the record, each with an output of its own at `field`, and compares the outputs and the margins around them:
 * SAME, UNTOUCHED, or the offset of the first byte that differs.
 */
export function twins(r: usize, field: i32, size: i32, simd: (r: usize) => void, scalar: (r: usize) => void): i32 {
  const got = output(r, field, size, simd);
  const wanted = output(r, field, size, scalar);
  let written = false;
  for (let i: usize = 0; i < <usize>size + 2 * MARGIN; i++) {
    if (load<u8>(got + i) !== load<u8>(wanted + i)) return <i32>i - <i32>MARGIN;
    if (load<u8>(wanted + i) !== CANARY) written = true;
  }
  return written ? SAME : UNTOUCHED;
}

function output(r: usize, field: i32, size: i32, kernel: (r: usize) => void): usize {
  const p = allocate(size + 2 * <i32>MARGIN);
  memory.fill(p, CANARY, <usize>size + 2 * MARGIN);
  set(r, field, <i32>(p + MARGIN));
  kernel(r);
  return p;
}
