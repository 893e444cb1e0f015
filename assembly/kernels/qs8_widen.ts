/**
 * `rows` rows of n integers, `src_stride` apart, as i16 less `zero`, `dst_stride` bytes apart. A row's last vector overlaps those before it, so that
 * nothing past the row is read or written.
 */
export function qs8_widen(dst: usize, dst_stride: usize, src: usize, src_stride: usize, rows: i32, n: i32, zero: i32): void {
  const z = i16x8.splat(<i16>zero);
  if (n >= 8) {
    const rest: usize = n - 8;
    for (; rows > 0; rows--, src += src_stride, dst += dst_stride) {
      for (let i: usize = 0; i < rest; i += 8) v128.store(dst + (i << 1), i16x8.sub(v128.load8x8_s(src + i), z));
      v128.store(dst + (rest << 1), i16x8.sub(v128.load8x8_s(src + rest), z));
    }
  } else if (n >= 4) {
    const rest: usize = n - 4;
    for (; rows > 0; rows--, src += src_stride, dst += dst_stride) {
      v128.store64_lane(dst, i16x8.sub(i16x8.extend_low_i8x16_s(v128.load32_zero(src)), z), 0);
      v128.store64_lane(dst + (rest << 1), i16x8.sub(i16x8.extend_low_i8x16_s(v128.load32_zero(src + rest)), z), 0);
    }
  } else {
    for (; rows > 0; rows--, src += src_stride, dst += dst_stride)
      for (let i: usize = 0; i < <usize>n; i++) store<i16>(dst + (i << 1), load<i8>(src + i) - zero);
  }
}
