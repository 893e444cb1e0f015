const GATHERED = memory.data(16, 16);

/** 16 bytes at a time over rows whose length need not be a multiple of 16; `n` is what is left of the row, at least 1. */
export class Bytes {
  /** The first min(n, 16) bytes at `p`; the rest is zero. Nothing past them is read. */
  @inline static load(p: usize, n: i32): v128 {
    return n >= 16 ? v128.load(p) : Bytes.load_tail(p, n);
  }

  /** Writes the first min(n, 16) bytes. */
  @inline static store(p: usize, v: v128, n: i32): void {
    if (n >= 16) v128.store(p, v);
    else Bytes.store_tail(p, v, n);
  }

  /** min(n, 16) bytes that lie `stride` apart; the rest is anything where the stride is not 1. */
  @inline static gather(p: usize, stride: i32, n: i32): v128 {
    if (stride === 1) return Bytes.load(p, n);
    return stride === 0 ? v128.load8_splat(p) : Bytes.gather_strided(p, stride, n);
  }

  static gather_strided(p: usize, stride: i32, n: i32): v128 {
    for (let i: usize = 0, end: usize = min(n, 16); i < end; i++, p += stride) store<u8>(GATHERED + i, load<u8>(p));
    return v128.load(GATHERED);
  }

  static load_tail(p: usize, n: i32): v128 {
    let v = i64x2.splat(0);
    if (n & 1) v = v128.load8_lane(p + (n & 14), v, 0);
    if (n & 2) v = v128.load16_lane(p + (n & 12), v128.shuffle<i16>(v, v, 7, 0, 1, 2, 3, 4, 5, 6), 0);
    if (n & 4) v = v128.load32_lane(p + (n & 8), v128.shuffle<i32>(v, v, 3, 0, 1, 2), 0);
    if (n & 8) v = v128.load64_lane(p, v128.shuffle<i64>(v, v, 1, 0), 0);
    return v;
  }

  static store_tail(p: usize, v: v128, n: i32): void {
    if (n & 8) {
      v128.store64_lane(p, v, 0);
      v = v128.shuffle<i64>(v, v, 1, 0);
      p += 8;
    }
    if (n & 4) {
      v128.store32_lane(p, v, 0);
      v = v128.shuffle<i32>(v, v, 1, 2, 3, 0);
      p += 4;
    }
    if (n & 2) {
      v128.store16_lane(p, v, 0);
      v = v128.shuffle<i16>(v, v, 1, 2, 3, 4, 5, 6, 7, 0);
      p += 2;
    }
    if (n & 1) v128.store8_lane(p, v, 0);
  }
}
