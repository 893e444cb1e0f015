import { Field } from "../lib/record";
import { CopyField } from "../shared/plan";

/** Op `copy`: the two inner dims as rows, as a transpose or element by element, whichever their strides allow. */
export function copy(r: usize): void {
  block(r, 0, Field.address(r, CopyField.src), Field.address(r, CopyField.dst));
}

function block(r: usize, dim: i32, src: usize, dst: usize): void {
  if (dim === 4) {
    plane(r, src, dst);
    return;
  }
  const size = Field.i32(r, CopyField.size);
  const from = Field.i32(r, CopyField.s0 + dim) * size;
  const to = Field.i32(r, CopyField.t0 + dim) * size;
  for (let n = Field.i32(r, CopyField.d0 + dim); n > 0; n--, src += from, dst += to) block(r, dim + 1, src, dst);
}

function plane(r: usize, src: usize, dst: usize): void {
  const size = Field.i32(r, CopyField.size);
  const m = Field.i32(r, CopyField.d4);
  const n = Field.i32(r, CopyField.d5);
  const s4 = Field.i32(r, CopyField.s4);
  const s5 = Field.i32(r, CopyField.s5);
  const t4 = Field.i32(r, CopyField.t4);
  const t5 = Field.i32(r, CopyField.t5);
  if (s5 === 1 && t5 === 1) rows(src, dst, m, n * size, s4 * size, t4 * size);
  else if (s4 === 1 && t4 === 1) rows(src, dst, n, m * size, s5 * size, t5 * size);
  else if (s4 === 1 && t5 === 1) transpose(src, dst, m, n, s5, t4, size);
  else if (s5 === 1 && t4 === 1) transpose(src, dst, n, m, s4, t5, size);
  else elements(src, dst, m, n, s4, s5, t4, t5, size);
}

function rows(src: usize, dst: usize, m: i32, bytes: i32, from: i32, to: i32): void {
  if (from === bytes && to === bytes) {
    bytes *= m;
    m = 1;
  }
  for (; m > 0; m--, src += from, dst += to) memory.copy(dst, src, bytes);
}

function elements(src: usize, dst: usize, m: i32, n: i32, s4: i32, s5: i32, t4: i32, t5: i32, size: i32): void {
  for (let i = 0; i < m; i++) {
    let from = src + <isize>(i * s4 * size);
    let to = dst + <isize>(i * t4 * size);
    for (let j = 0; j < n; j++, from += s5 * size, to += t5 * size) {
      if (size === 1) store<u8>(to, load<u8>(from));
      else store<u32>(to, load<u32>(from));
    }
  }
}

/** `dst[i·ldt + j] = src[j·lds + i]` for i < m, j < n: whole square tiles in registers, the margins element by element. */
function transpose(src: usize, dst: usize, m: i32, n: i32, lds: i32, ldt: i32, size: i32): void {
  if (n === 3 && ldt === 3) {
    interleave(src, dst, m, lds * size, size);
    return;
  }
  const tile = size === 1 ? 8 : 4;
  const m1 = m - (m % tile);
  const n1 = n - (n % tile);
  for (let j = 0; j < n1; j += tile) {
    const column = src + <isize>(j * lds * size);
    if (size === 1) for (let i = 0; i < m1; i += 8) Tile.u8x8(column + i, lds, dst + <isize>(i * ldt + j), ldt);
    else for (let i = 0; i < m1; i += 4) Tile.u32x4(column + (i << 2), lds << 2, dst + ((<isize>(i * ldt + j)) << 2), ldt << 2);
  }
  elements(src + m1 * size, dst + <isize>(m1 * ldt * size), m - m1, n1, 1, lds, ldt, 1, size);
  elements(src + <isize>(n1 * lds * size), dst + n1 * size, m, n - n1, 1, lds, ldt, 1, size);
}

/** Three planes, `from` bytes apart, to triples: what an image's channels become. */
function interleave(src: usize, dst: usize, m: i32, from: isize, size: i32): void {
  const step = 16 / size;
  for (; m >= step; m -= step, src += 16, dst += 48) {
    if (size === 1) Tile.u8x16x3(src, from, dst);
    else Tile.u32x4x3(src, from, dst);
  }
  for (; m > 0; m--, src += size, dst += 3 * size) {
    for (let j: usize = 0; j < 3; j++) {
      if (size === 1) store<u8>(dst + j, load<u8>(src + j * from));
      else store<u32>(dst + (j << 2), load<u32>(src + j * from));
    }
  }
}

/** Transposes of one tile; `from` and `to` are bytes between rows. */
class Tile {
  @inline static u32x4(src: usize, from: isize, dst: usize, to: isize): void {
    const a = v128.load(src);
    const b = v128.load(src + from);
    const c = v128.load(src + 2 * from);
    const d = v128.load(src + 3 * from);
    const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const ab2 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    const cd2 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    v128.store(dst, v128.shuffle<i64>(ab, cd, 0, 2));
    v128.store(dst + to, v128.shuffle<i64>(ab, cd, 1, 3));
    v128.store(dst + 2 * to, v128.shuffle<i64>(ab2, cd2, 0, 2));
    v128.store(dst + 3 * to, v128.shuffle<i64>(ab2, cd2, 1, 3));
  }

  @inline static u8x8(src: usize, from: isize, dst: usize, to: isize): void {
    const a = Tile.zip8(v128.load64_zero(src), v128.load64_zero(src + from));
    const b = Tile.zip8(v128.load64_zero(src + 2 * from), v128.load64_zero(src + 3 * from));
    const c = Tile.zip8(v128.load64_zero(src + 4 * from), v128.load64_zero(src + 5 * from));
    const d = Tile.zip8(v128.load64_zero(src + 6 * from), v128.load64_zero(src + 7 * from));
    const ab = v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    const ab2 = v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    const cd = v128.shuffle<i16>(c, d, 0, 8, 1, 9, 2, 10, 3, 11);
    const cd2 = v128.shuffle<i16>(c, d, 4, 12, 5, 13, 6, 14, 7, 15);
    Tile.store_pair(dst, to, v128.shuffle<i32>(ab, cd, 0, 4, 1, 5));
    Tile.store_pair(dst + 2 * to, to, v128.shuffle<i32>(ab, cd, 2, 6, 3, 7));
    Tile.store_pair(dst + 4 * to, to, v128.shuffle<i32>(ab2, cd2, 0, 4, 1, 5));
    Tile.store_pair(dst + 6 * to, to, v128.shuffle<i32>(ab2, cd2, 2, 6, 3, 7));
  }

  @inline static u32x4x3(src: usize, from: isize, dst: usize): void {
    const a = v128.load(src);
    const b = v128.load(src + from);
    const c = v128.load(src + 2 * from);
    v128.store(dst, v128.shuffle<i32>(v128.shuffle<i32>(a, b, 0, 4, 0, 1), c, 0, 1, 4, 3));
    v128.store(dst, v128.shuffle<i32>(v128.shuffle<i32>(b, c, 1, 5, 0, 2), a, 0, 1, 6, 3), 16);
    v128.store(dst, v128.shuffle<i32>(v128.shuffle<i32>(c, a, 2, 7, 0, 3), b, 0, 1, 7, 3), 32);
  }

  @inline static u8x16x3(src: usize, from: isize, dst: usize): void {
    const a = v128.load(src);
    const b = v128.load(src + from);
    const c = v128.load(src + 2 * from);
    const ab = v128.shuffle<i8>(a, b, 0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5);
    v128.store(dst, v128.shuffle<i8>(ab, c, 0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15));
    const bc = v128.shuffle<i8>(b, c, 5, 21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10);
    v128.store(dst, v128.shuffle<i8>(bc, a, 0, 1, 22, 3, 4, 23, 6, 7, 24, 9, 10, 25, 12, 13, 26, 15), 16);
    const ca = v128.shuffle<i8>(c, a, 10, 27, 0, 11, 28, 0, 12, 29, 0, 13, 30, 0, 14, 31, 0, 15);
    v128.store(dst, v128.shuffle<i8>(ca, b, 0, 1, 27, 3, 4, 28, 6, 7, 29, 9, 10, 30, 12, 13, 31, 15), 32);
  }

  @inline static zip8(a: v128, b: v128): v128 {
    return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  }

  @inline static store_pair(dst: usize, to: isize, v: v128): void {
    v128.store64_lane(dst, v, 0);
    v128.store64_lane(dst + to, v, 1);
  }
}
