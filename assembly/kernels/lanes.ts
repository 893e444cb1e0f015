/** Four f32 lanes at a time over rows whose length need not be a multiple of four. */
export class Lanes {
  /** The first min(n, 4) elements at `p`; lanes beyond them hold `rest`. */
  @inline static load(p: usize, n: i32, rest: f32 = 0): v128 {
    return n >= 4 ? v128.load(p) : Lanes.load_tail(p, n, rest);
  }

  /** Writes the first min(n, 4) lanes. */
  @inline static store(p: usize, v: v128, n: i32): void {
    if (n >= 4) v128.store(p, v);
    else Lanes.store_tail(p, v, n);
  }

  static load_tail(p: usize, n: i32, rest: f32): v128 {
    let v = f32x4.splat(rest);
    if (n > 0) v = v128.load32_lane(p, v, 0);
    if (n > 1) v = v128.load32_lane(p, v, 1, 4);
    if (n > 2) v = v128.load32_lane(p, v, 2, 8);
    return v;
  }

  static store_tail(p: usize, v: v128, n: i32): void {
    if (n > 0) v128.store32_lane(p, v, 0);
    if (n > 1) v128.store32_lane(p, v, 1, 4);
    if (n > 2) v128.store32_lane(p, v, 2, 8);
  }

  /** min(n, 4) elements that lie `stride` elements apart; lanes beyond them hold 0, but all hold the one element where the stride is 0. */
  static load_strided(p: usize, stride: i32, n: i32): v128 {
    if (stride === 1) return Lanes.load(p, n);
    if (stride === 0 && n > 0) return v128.load32_splat(p);
    const step = (<isize>stride) << 2;
    let v = f32x4.splat(0);
    if (n > 0) v = v128.load32_lane(p, v, 0);
    if (n > 1) v = v128.load32_lane(p + step, v, 1);
    if (n > 2) v = v128.load32_lane(p + 2 * step, v, 2);
    if (n > 3) v = v128.load32_lane(p + 3 * step, v, 3);
    return v;
  }

  /** (l₀ + l₂) + (l₁ + l₃): the order in which every sum along a row ends. */
  @inline static sum(v: v128): f32 {
    const pair = f32x4.add(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
    return f32x4.extract_lane(pair, 0) + f32x4.extract_lane(pair, 1);
  }

  @inline static max(v: v128): f32 {
    const pair = f32x4.max(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
    return max<f32>(f32x4.extract_lane(pair, 0), f32x4.extract_lane(pair, 1));
  }
}
