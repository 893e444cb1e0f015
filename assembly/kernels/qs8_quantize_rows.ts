/** Rows as i16 less their zero point, padded with zeros to a multiple of 8: what products with weights in blocks read. */
import { Lanes } from "./lanes";
import { Requantize } from "./qs8_epilogue";
import { Quantize, qs8_range } from "./qs8_quantize";
import { qs8_widen } from "./qs8_widen";

/** {f32 scale, i32 zero} of the row at hand. */
const GRID = memory.data(8, 8);

/** `rows` rows of k f32, each put on the grid of its own range. Rows of `x` are `stride` bytes apart; each one's scale goes to `scales`. */
export function qs8_quantize_rows(rows: i32, k: i32, a: usize, x: usize, stride: usize, scales: usize): void {
  const offset = Requantize.offset(0);
  for (; rows > 0; rows--, a += k << 2, x += stride, scales += 4) {
    qs8_range(k, a, GRID);
    const zero = load<i32>(GRID, 4);
    const scale = f32x4.splat(load<f32>(GRID));
    const lo = f32x4.splat(f32(-128) - f32(zero));
    const hi = i16x8.splat(<i16>(127 - zero));
    for (let i = 0; i < k; i += 8) {
      const from = a + (i << 2);
      const q0 = Quantize.i32x4(Lanes.load(from, k - i), scale, lo, offset);
      const q1 = Quantize.i32x4(Lanes.load(from + 16, k - i - 4), scale, lo, offset);
      v128.store(x + (i << 1), i16x8.min_s(i16x8.narrow_i32x4_s(q0, q1), hi));
    }
    store<f32>(scales, load<f32>(GRID));
  }
}

/** `rows` rows of k i8. */
export function qs8_widen_rows(rows: i32, k: i32, a: usize, x: usize, stride: usize, zero: i32): void {
  qs8_widen(x, stride, a, k, rows, k, zero);
  const end: usize = k << 1;
  for (; rows > 0; rows--, x += stride) memory.fill(x + end, 0, stride - end);
}

/**
 * A row as `qs8_qb4w_gemv_1x16` reads it: of every four pairs x₀ … x₃, those behind the first become xₜ − 16 · xₜ₋₁. For each block of `bytes`, writes
 * minus the sum of its x, and 8 times that of its x₃, to `sums`.
 */
export function qs8_telescope(x: usize, stride: usize, bytes: usize, sums: usize): void {
  const ones = i16x8.splat(1);
  const none = i32x4.splat(0);
  for (const last = x + stride; x < last; sums += 8) {
    let sum = none;
    for (const end = min(x + bytes, last); x < end; x += 16) {
      const v = v128.load(x);
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(v, ones));
      v128.store(x, i16x8.sub(v, i16x8.shl(v128.shuffle<i32>(none, v, 0, 4, 5, 6), 4)));
    }
    const pair = i32x4.add(sum, v128.shuffle<i64>(sum, sum, 1, 0));
    store<i32>(sums, -i32x4.extract_lane(pair, 0) - i32x4.extract_lane(pair, 1));
    store<i32>(sums, i32x4.extract_lane(sum, 3) << 3, 4);
  }
}
