/**
 * The inner kernels of products with weights in blocks: sums of one block are i32 and are added, times the block's scale, to f32 accumulators in
 * memory. `bytes` is the length of a block in a row of `a` as i16.
 */

/**
 * One row × 16 outputs, all blocks. A half-word holds w₀ + 16·w₁ + 256·w₂ + 4096·w₃ for four pairs of k; it and what is left of it when the lower nibbles
 * are shifted out, times x₀, x₁ − 16·x₀, x₂ − 16·x₁ and x₃ − 16·x₂ (`qs8_telescope`), sum up to Σ wₜ·xₜ without any nibble being masked out. `sums` are that
 * function's, by which zero points come in.
 */
export function qs8_qb4w_gemv_1x16(
  row: usize,
  bytes: usize,
  a: usize,
  w: usize,
  sums: usize,
  zeros: usize,
  zeros_step: usize,
  scale: usize,
  acc: usize,
): void {
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let c2 = f32x4.splat(0);
  let c3 = f32x4.splat(0);
  for (const last = a + row; a < last; sums += 8, zeros += zeros_step, scale += 64) {
    const sum = v128.load32_splat(sums);
    const top = v128.load32_splat(sums, 4);
    const z0 = v128.load8x8_u(zeros);
    const z1 = v128.load8x8_u(zeros, 8);
    let p0 = i32x4.add(top, i32x4.mul(sum, i32x4.extend_low_i16x8_u(z0)));
    let p1 = i32x4.add(top, i32x4.mul(sum, i32x4.extend_high_i16x8_u(z0)));
    let p2 = i32x4.add(top, i32x4.mul(sum, i32x4.extend_low_i16x8_u(z1)));
    let p3 = i32x4.add(top, i32x4.mul(sum, i32x4.extend_high_i16x8_u(z1)));
    for (const end = min(a + bytes, last); a < end; a += 16, w += 64) {
      const x0 = v128.load32_splat(a);
      const x1 = v128.load32_splat(a, 4);
      const x2 = v128.load32_splat(a, 8);
      const x3 = v128.load32_splat(a, 12);
      p0 = Nibbles.dot(p0, v128.load(w), x0, x1, x2, x3);
      p1 = Nibbles.dot(p1, v128.load(w, 16), x0, x1, x2, x3);
      p2 = Nibbles.dot(p2, v128.load(w, 32), x0, x1, x2, x3);
      p3 = Nibbles.dot(p3, v128.load(w, 48), x0, x1, x2, x3);
    }
    c0 = f32x4.add(c0, f32x4.mul(f32x4.convert_i32x4_s(p0), v128.load(scale)));
    c1 = f32x4.add(c1, f32x4.mul(f32x4.convert_i32x4_s(p1), v128.load(scale, 16)));
    c2 = f32x4.add(c2, f32x4.mul(f32x4.convert_i32x4_s(p2), v128.load(scale, 32)));
    c3 = f32x4.add(c3, f32x4.mul(f32x4.convert_i32x4_s(p3), v128.load(scale, 48)));
  }
  v128.store(acc, c0);
  v128.store(acc, c1, 16);
  v128.store(acc, c2, 32);
  v128.store(acc, c3, 48);
}

class Nibbles {
  /** Adds 8 steps of k for 4 outputs. */
  @inline static dot(p: v128, w: v128, x0: v128, x1: v128, x2: v128, x3: v128): v128 {
    p = i32x4.add(p, i32x4.dot_i16x8_s(w, x0));
    p = i32x4.add(p, i32x4.dot_i16x8_s(i16x8.shr_s(w, 4), x1));
    p = i32x4.add(p, i32x4.dot_i16x8_s(i16x8.shr_s(w, 8), x2));
    return i32x4.add(p, i32x4.dot_i16x8_s(i16x8.shr_s(w, 12), x3));
  }

  /** The four pairs of k of 4 outputs as i16 less their zeros, 32 bytes apart. */
  @inline static store(wide: usize, w: v128, nibble: v128, zeros: v128, top: v128): void {
    v128.store(wide, i16x8.sub(v128.and(w, nibble), zeros));
    v128.store(wide, i16x8.sub(v128.and(i16x8.shr_u(w, 4), nibble), zeros), 32);
    v128.store(wide, i16x8.sub(v128.and(i16x8.shr_u(w, 8), nibble), zeros), 64);
    v128.store(wide, i16x8.sub(i16x8.shr_s(w, 12), top), 96);
  }
}

/** A block of 8 outputs, half a panel of nibbles, as [pairs][8][2] i16. */
export function qs8_qb4w_unpack(bytes: usize, w: usize, zeros: usize, wide: usize): void {
  const nibble = i16x8.splat(15);
  const z = v128.load8x8_u(zeros);
  const z0 = v128.shuffle<i16>(z, z, 0, 0, 1, 1, 2, 2, 3, 3);
  const z1 = v128.shuffle<i16>(z, z, 4, 4, 5, 5, 6, 6, 7, 7);
  const eight = i16x8.splat(8);
  const t0 = i16x8.sub(z0, eight);
  const t1 = i16x8.sub(z1, eight);
  for (const end = w + (bytes << 2); w < end; w += 64, wide += 128) {
    Nibbles.store(wide, v128.load(w), nibble, z0, t0);
    Nibbles.store(wide + 16, v128.load(w, 16), nibble, z1, t1);
  }
}

/** A block of 8 outputs, half a panel of bytes, as [pairs][8][2] i16. */
export function qs8_qb8w_unpack(bytes: usize, w: usize, wide: usize): void {
  for (const end = w + (bytes << 3); w < end; w += 32, wide += 32) {
    v128.store(wide, v128.load8x8_s(w));
    v128.store(wide, v128.load8x8_s(w, 8), 16);
  }
}

/** `rows` (a multiple of 4) × 8 outputs of one block, added to rows of `acc` that are 64 bytes apart. */
export function qs8_qbw_gemm_4x8(rows: i32, bytes: usize, a: usize, stride: usize, wide: usize, scale: usize, acc: usize): void {
  const a2 = stride << 1;
  const a3 = stride + a2;
  for (; rows > 0; rows -= 4, a += stride << 2, acc += 256) {
    let p00 = i32x4.splat(0);
    let p01 = i32x4.splat(0);
    let p10 = i32x4.splat(0);
    let p11 = i32x4.splat(0);
    let p20 = i32x4.splat(0);
    let p21 = i32x4.splat(0);
    let p30 = i32x4.splat(0);
    let p31 = i32x4.splat(0);
    let x = a;
    let w = wide;
    for (const end = a + bytes; x < end; x += 4, w += 32) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const x0 = v128.load32_splat(x);
      p00 = i32x4.add(p00, i32x4.dot_i16x8_s(x0, w0));
      p01 = i32x4.add(p01, i32x4.dot_i16x8_s(x0, w1));
      const x1 = v128.load32_splat(x + stride);
      p10 = i32x4.add(p10, i32x4.dot_i16x8_s(x1, w0));
      p11 = i32x4.add(p11, i32x4.dot_i16x8_s(x1, w1));
      const x2 = v128.load32_splat(x + a2);
      p20 = i32x4.add(p20, i32x4.dot_i16x8_s(x2, w0));
      p21 = i32x4.add(p21, i32x4.dot_i16x8_s(x2, w1));
      const x3 = v128.load32_splat(x + a3);
      p30 = i32x4.add(p30, i32x4.dot_i16x8_s(x3, w0));
      p31 = i32x4.add(p31, i32x4.dot_i16x8_s(x3, w1));
    }
    const s0 = v128.load(scale);
    const s1 = v128.load(scale, 16);
    Block.add(acc, p00, p01, s0, s1);
    Block.add(acc + 64, p10, p11, s0, s1);
    Block.add(acc + 128, p20, p21, s0, s1);
    Block.add(acc + 192, p30, p31, s0, s1);
  }
}

class Block {
  @inline static add(acc: usize, p0: v128, p1: v128, s0: v128, s1: v128): void {
    v128.store(acc, f32x4.add(v128.load(acc), f32x4.mul(f32x4.convert_i32x4_s(p0), s0)));
    v128.store(acc, f32x4.add(v128.load(acc, 16), f32x4.mul(f32x4.convert_i32x4_s(p1), s1)), 16);
  }
}
