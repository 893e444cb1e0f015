/**
 * 3×3 convolutions of stride 1 by Winograd's F(2×2, 3×3) (Lavin and Gray 2016), in integers and exact: tiles of 2×2 outputs cost 16 products where the
 * definition has 36. The transform of weights is taken twice in each direction, [2 0 0; 1 1 1; 1 −1 1; 0 0 2], so that it stays whole: at most 9 · 127. Inputs
 * grow to 4 · 255, and the outputs, 4 times what they should be, are shifted back. Sums may wrap on the way: the result does not, since
 * k · 255 · 127 · 4 < 2³¹ (`src/ops/conv.ts` sees to it).
 *
 * WINOGRAD_TILES tiles at a time go through all outputs, 8 by 8: weights are transformed anew for each block of tiles, which costs 3 %, and
 * stay i8 in memory.
 */
import { Field } from "../lib/record";
import { WINOGRAD_TILES } from "../shared/layout";
import { ConvField } from "../shared/plan";
import { Epilogue } from "./qs8_epilogue";
import { Rows } from "./qs8_rows";

/** Input rows of one row of tiles. */
const WINDOW = 4;
/** A cache line between the 16 parts of what is transformed: where they lie a power of two apart, they drive each other out of the cache. */
const APART = 64;

/**
 * Op `qs8_winograd`: in_c is a multiple of 8, one group. Scratch (`qs8WinogradScratch`): a ring of 4 input rows; transformed inputs
 * [16][tiles][in_c] i16; transformed weights of 8 outputs [16][in_c / 2][8][2] i16, both with 64 bytes after each of the 16; their products [16][tiles][8] i32.
 */
export function qs8_winograd(r: usize): void {
  const in_c = Field.i32(r, ConvField.in_c);
  const out_c = Field.i32(r, ConvField.out_c);
  const across = (Field.i32(r, ConvField.out_w) + 1) >> 1;
  const down = (Field.i32(r, ConvField.out_h) + 1) >> 1;
  const image = Field.i32(r, ConvField.in_h) * Field.i32(r, ConvField.in_w) * in_c;
  const pad_top = Field.i32(r, ConvField.pad_top);
  const pairs = in_c >> 1;
  const pixel = in_c << 1;
  const row_bytes = (2 * across + 2) * pixel;
  const tiles = Field.i32(r, ConvField.batch) * down * across;
  const block = min(WINOGRAD_TILES, (tiles + 3) & ~3);
  const rows = Field.address(r, ConvField.scratch);
  const v = Rows.held(rows, WINDOW, row_bytes) + (WINDOW << 2);
  const v_step = block * pixel + APART;
  const u_step = (pairs << 5) + APART;
  const u = v + 16 * v_step;
  const m = u + 16 * u_step;
  const w = Field.address(r, ConvField.w);
  let a = Field.address(r, ConvField.a);
  let x = 0;
  let y = 0;
  Rows.clear(rows, WINDOW, row_bytes);
  for (let first = 0; first < tiles; first += block) {
    const n = min(tiles - first, block);
    for (let t = 0; t < n; t++) {
      const top = 2 * y - pad_top;
      const d0 = Rows.at(r, rows, WINDOW, row_bytes, pixel, in_c, a, top);
      const d1 = Rows.at(r, rows, WINDOW, row_bytes, pixel, in_c, a, top + 1);
      const d2 = Rows.at(r, rows, WINDOW, row_bytes, pixel, in_c, a, top + 2);
      const d3 = Rows.at(r, rows, WINDOW, row_bytes, pixel, in_c, a, top + 3);
      const left: usize = 2 * x * pixel;
      qs8_winograd_input(d0 + left, d1 + left, d2 + left, d3 + left, pixel, v + t * pixel, v_step);
      if (++x < across) continue;
      x = 0;
      if (++y < down) continue;
      y = 0;
      a += image;
      Rows.forget(rows, WINDOW, row_bytes);
    }
    for (let o = 0; o < out_c; o += 8) {
      qs8_winograd_weights(w + (o >> 4) * 9 * (pairs << 5) + ((o & 8) << 1), pairs, u, u_step);
      for (let i: usize = 0; i < 16; i++) s16_gemm_4x8(n, pairs, v + i * v_step, u + i * u_step, m + i * (block << 5));
      qs8_winograd_output(r, first, n, o, m, block << 5);
    }
  }
}

/** Bᵀ d B of 4×4 pixels, from four rows: element i of the result `step` · i bytes behind `v`. */
export function qs8_winograd_input(d0: usize, d1: usize, d2: usize, d3: usize, pixel: usize, v: usize, step: usize): void {
  const v1 = v + 4 * step;
  const v2 = v + 8 * step;
  const v3 = v + 12 * step;
  for (let i: usize = 0; i < pixel; i += 16) {
    // Along the rows first; of what lies below each other at most two rows are held.
    let p = d2 + i;
    const x0 = v128.load(p);
    let x1 = v128.load(p + pixel);
    let x2 = v128.load(p + 2 * pixel);
    const c0 = i16x8.sub(x0, x2);
    const c1 = i16x8.add(x1, x2);
    const c2 = i16x8.sub(x2, x1);
    const c3 = i16x8.sub(x1, v128.load(p + 3 * pixel));
    p = d0 + i;
    x1 = v128.load(p + pixel);
    x2 = v128.load(p + 2 * pixel);
    v128.store(v + i, i16x8.sub(i16x8.sub(v128.load(p), x2), c0));
    v128.store(v + i + step, i16x8.sub(i16x8.add(x1, x2), c1));
    v128.store(v + i + 2 * step, i16x8.sub(i16x8.sub(x2, x1), c2));
    v128.store(v + i + 3 * step, i16x8.sub(i16x8.sub(x1, v128.load(p + 3 * pixel)), c3));
    p = d1 + i;
    x1 = v128.load(p + pixel);
    x2 = v128.load(p + 2 * pixel);
    const b0 = i16x8.sub(v128.load(p), x2);
    const b1 = i16x8.add(x1, x2);
    const b2 = i16x8.sub(x2, x1);
    const b3 = i16x8.sub(x1, v128.load(p + 3 * pixel));
    v128.store(v1 + i, i16x8.add(b0, c0));
    v128.store(v1 + i + step, i16x8.add(b1, c1));
    v128.store(v1 + i + 2 * step, i16x8.add(b2, c2));
    v128.store(v1 + i + 3 * step, i16x8.add(b3, c3));
    v128.store(v2 + i, i16x8.sub(c0, b0));
    v128.store(v2 + i + step, i16x8.sub(c1, b1));
    v128.store(v2 + i + 2 * step, i16x8.sub(c2, b2));
    v128.store(v2 + i + 3 * step, i16x8.sub(c3, b3));
    p = d3 + i;
    x1 = v128.load(p + pixel);
    x2 = v128.load(p + 2 * pixel);
    v128.store(v3 + i, i16x8.sub(b0, i16x8.sub(v128.load(p), x2)));
    v128.store(v3 + i + step, i16x8.sub(b1, i16x8.add(x1, x2)));
    v128.store(v3 + i + 2 * step, i16x8.sub(b2, i16x8.sub(x2, x1)));
    v128.store(v3 + i + 3 * step, i16x8.sub(b3, i16x8.sub(x1, v128.load(p + 3 * pixel))));
  }
}

/** 2G g (2G)ᵀ for half a panel, [9][pairs][16][2] i8 with `w` pointing at its columns, as [16][pairs][8][2] i16: its elements `step` bytes apart. */
export function qs8_winograd_weights(w: usize, pairs: i32, u: usize, step: usize): void {
  const tap = (<usize>pairs) << 5;
  for (let half: usize = 0; half < 2; half++) {
    let p = w + (half << 3);
    for (let q = u + (half << 4), end = q + tap; q < end; p += 32, q += 32) {
      Weights.row(q, step, Weights.twice(p), Weights.twice(p + tap), Weights.twice(p + 2 * tap));
      Weights.middle(p, tap, q + 4 * step, step);
      const l = p + 6 * tap;
      Weights.row(q + 12 * step, step, Weights.twice(l), Weights.twice(l + tap), Weights.twice(l + 2 * tap));
    }
  }
}

class Weights {
  @inline static twice(p: usize): v128 {
    const g = v128.load8x8_s(p);
    return i16x8.add(g, g);
  }

  /** One row of the result from what the taps' columns sum up to. */
  @inline static row(q: usize, step: usize, g0: v128, g1: v128, g2: v128): void {
    const s = i16x8.add(g0, g2);
    v128.store(q, i16x8.add(g0, g0));
    v128.store(q + step, i16x8.add(s, g1));
    v128.store(q + 2 * step, i16x8.sub(s, g1));
    v128.store(q + 3 * step, i16x8.add(g2, g2));
  }

  /** Rows 1 and 2: the sum of the outer taps of each column, plus and less the middle one. */
  @inline static middle(p: usize, tap: usize, q: usize, step: usize): void {
    const far: usize = 6 * tap;
    const s0 = i16x8.add(v128.load8x8_s(p), v128.load8x8_s(p + far));
    const s1 = i16x8.add(v128.load8x8_s(p + tap), v128.load8x8_s(p + tap + far));
    const s2 = i16x8.add(v128.load8x8_s(p + 2 * tap), v128.load8x8_s(p + 2 * tap + far));
    const g0 = v128.load8x8_s(p + 3 * tap);
    const g1 = v128.load8x8_s(p + 4 * tap);
    const g2 = v128.load8x8_s(p + 5 * tap);
    Weights.row(q, step, i16x8.add(s0, g0), i16x8.add(s1, g1), i16x8.add(s2, g2));
    Weights.row(q + 4 * step, step, i16x8.sub(s0, g0), i16x8.sub(s1, g1), i16x8.sub(s2, g2));
  }
}

/** Products of i16 pairs: rows of `a`, `pairs` · 2 elements each, by fours (the last may run over), times [pairs][8][2], to rows of 8 i32. */
export function s16_gemm_4x8(rows: i32, pairs: i32, a: usize, w: usize, c: usize): void {
  const a1 = (<usize>pairs) << 2;
  const a2 = a1 << 1;
  const a3 = a1 + a2;
  for (; rows > 0; rows -= 4, c += 128) {
    let p00 = i32x4.splat(0);
    let p01 = p00;
    let p10 = p00;
    let p11 = p00;
    let p20 = p00;
    let p21 = p00;
    let p30 = p00;
    let p31 = p00;
    let q = w;
    for (const end = a + a1; a < end; a += 4, q += 32) {
      const w0 = v128.load(q);
      const w1 = v128.load(q, 16);
      const x0 = v128.load32_splat(a);
      p00 = i32x4.add(p00, i32x4.dot_i16x8_s(x0, w0));
      p01 = i32x4.add(p01, i32x4.dot_i16x8_s(x0, w1));
      const x1 = v128.load32_splat(a + a1);
      p10 = i32x4.add(p10, i32x4.dot_i16x8_s(x1, w0));
      p11 = i32x4.add(p11, i32x4.dot_i16x8_s(x1, w1));
      const x2 = v128.load32_splat(a + a2);
      p20 = i32x4.add(p20, i32x4.dot_i16x8_s(x2, w0));
      p21 = i32x4.add(p21, i32x4.dot_i16x8_s(x2, w1));
      const x3 = v128.load32_splat(a + a3);
      p30 = i32x4.add(p30, i32x4.dot_i16x8_s(x3, w0));
      p31 = i32x4.add(p31, i32x4.dot_i16x8_s(x3, w1));
    }
    a += a3;
    v128.store(c, p00);
    v128.store(c, p01, 16);
    v128.store(c, p10, 32);
    v128.store(c, p11, 48);
    v128.store(c, p20, 64);
    v128.store(c, p21, 80);
    v128.store(c, p30, 96);
    v128.store(c, p31, 112);
  }
}

/** Aᵀ m A of `n` tiles from number `first` on, outputs `o` to `o` + 7: element i of a tile's products lies `step` · i bytes behind the first. */
export function qs8_winograd_output(r: usize, first: i32, n: i32, o: i32, m: usize, step: usize): void {
  const out_h = Field.i32(r, ConvField.out_h);
  const out_w = Field.i32(r, ConvField.out_w);
  const out_c = Field.i32(r, ConvField.out_c);
  const size = Field.i32(r, ConvField.c_size);
  const across = (out_w + 1) >> 1;
  const down = (out_h + 1) >> 1;
  const e = r + (ConvField.lo << 2);
  const at = (<usize>o) << 2;
  const given = Field.address(r, ConvField.bias);
  const bias = given ? given + at : Epilogue.bias(0);
  const scale = Field.address(r, ConvField.scale) + at;
  const start = Epilogue.start(given ? bias : 0, e);
  const start0 = v128.load(start);
  const start1 = v128.load(start, 16);
  const lanes = min(out_c - o, 8);
  const pixel = out_c * size;
  const line = out_w * pixel;
  for (let t = first; t < first + n; t++, m += 32) {
    const row = t / across;
    const y = (row % down) << 1;
    const x = (t % across) << 1;
    const wide = x + 1 < out_w ? <usize>pixel : 0;
    const c = Field.address(r, ConvField.c) + ((row / down) * out_h + y) * line + x * pixel + o * size;
    // Sums along the rows of products, of their left and right column; then the same down the rows.
    let p = m;
    const a00 = Sums.left(p, step);
    const a01 = Sums.left(p + 16, step);
    const b00 = Sums.right(p, step);
    const b01 = Sums.right(p + 16, step);
    p += 4 * step;
    const a10 = Sums.left(p, step);
    const a11 = Sums.left(p + 16, step);
    const b10 = Sums.right(p, step);
    const b11 = Sums.right(p + 16, step);
    p += 4 * step;
    const a20 = Sums.left(p, step);
    const a21 = Sums.left(p + 16, step);
    const b20 = Sums.right(p, step);
    const b21 = Sums.right(p + 16, step);
    const y00 = Sums.quarter(i32x4.add(i32x4.add(a00, a10), a20), start0);
    const y01 = Sums.quarter(i32x4.add(i32x4.add(a01, a11), a21), start1);
    const y10 = wide ? Sums.quarter(i32x4.add(i32x4.add(b00, b10), b20), start0) : y00;
    const y11 = wide ? Sums.quarter(i32x4.add(i32x4.add(b01, b11), b21), start1) : y01;
    Epilogue.store2(y00, y01, y10, y11, bias, scale, c, c + wide, lanes, e);
    if (y + 1 === out_h) continue;
    p += 4 * step;
    const z00 = Sums.quarter(i32x4.sub(i32x4.sub(a10, a20), Sums.left(p, step)), start0);
    const z01 = Sums.quarter(i32x4.sub(i32x4.sub(a11, a21), Sums.left(p + 16, step)), start1);
    const z10 = wide ? Sums.quarter(i32x4.sub(i32x4.sub(b10, b20), Sums.right(p, step)), start0) : z00;
    const z11 = wide ? Sums.quarter(i32x4.sub(i32x4.sub(b11, b21), Sums.right(p + 16, step)), start1) : z01;
    Epilogue.store2(z00, z01, z10, z11, bias, scale, c + line, c + line + wide, lanes, e);
  }
}

class Sums {
  @inline static left(p: usize, step: usize): v128 {
    return i32x4.add(i32x4.add(v128.load(p), v128.load(p + step)), v128.load(p + 2 * step));
  }

  @inline static right(p: usize, step: usize): v128 {
    return i32x4.sub(i32x4.sub(v128.load(p + step), v128.load(p + 2 * step)), v128.load(p + 3 * step));
  }

  @inline static quarter(sum: v128, start: v128): v128 {
    return i32x4.add(i32x4.shr_s(sum, 2), start);
  }
}
