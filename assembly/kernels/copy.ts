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

  @inline static zip8(a: v128, b: v128): v128 {
    return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  }

  @inline static store_pair(dst: usize, to: isize, v: v128): void {
    v128.store64_lane(dst, v, 0);
    v128.store64_lane(dst + to, v, 1);
  }
}
