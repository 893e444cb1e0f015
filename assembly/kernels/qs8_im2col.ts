import { Field } from "../lib/record";
import { ConvField } from "../shared/plan";
import { Rows } from "./qs8_rows";

/**
 * The windows of `n` output pixels from column `x` of row `y` on, as i16 rows of ⌈k/2⌉ · 2 elements in the order [kernel_h][kernel_w][channels], from the
 * ring of input rows at `rows`. What lies side by side there, a whole kernel row where there is no dilation, is one run.
 */
export function qs8_im2col(r: usize, dst: usize, rows: usize, row_bytes: i32, a: usize, y: i32, x: i32, n: i32, channels: i32): void {
  const kernel_h = Field.i32(r, ConvField.kernel_h);
  const kernel_w = Field.i32(r, ConvField.kernel_w);
  const dilation_w = Field.i32(r, ConvField.dilation_w);
  const pixel = channels << 1;
  const across = Field.i32(r, ConvField.stride_w) * pixel;
  const k = kernel_h * kernel_w * channels;
  const stride = ((k + 1) & ~1) << 1;
  const taps = dilation_w === 1 ? kernel_w : 1;
  let iy = y * Field.i32(r, ConvField.stride_h) - Field.i32(r, ConvField.pad_top);
  let to = dst;
  for (let ky = 0; ky < kernel_h; ky++, iy += Field.i32(r, ConvField.dilation_h)) {
    let from = Rows.at(r, rows, kernel_h, row_bytes, pixel, channels, a, iy) + x * across;
    for (let kx = 0; kx < kernel_w; kx += taps, from += dilation_w * pixel, to += taps * pixel) {
      runs(to, stride, from, across, n, taps * pixel);
    }
  }
  if (k & 1) for (; n > 0; n--, to += stride) store<i16>(to, 0);
}

/** Copies `n` runs of `bytes` (even). A run's last vector overlaps those before it, so that nothing past the run is read or written. */
function runs(dst: usize, dst_stride: i32, src: usize, src_stride: i32, n: i32, bytes: i32): void {
  if (bytes >= 16) {
    const rest: usize = bytes - 16;
    for (; n > 0; n--, src += src_stride, dst += dst_stride) {
      for (let i: usize = 0; i < rest; i += 16) v128.store(dst + i, v128.load(src + i));
      v128.store(dst + rest, v128.load(src + rest));
    }
  } else if (bytes >= 8) {
    const rest: usize = bytes - 8;
    for (; n > 0; n--, src += src_stride, dst += dst_stride) {
      store<u64>(dst, load<u64>(src));
      store<u64>(dst + rest, load<u64>(src + rest));
    }
  } else {
    for (; n > 0; n--, src += src_stride, dst += dst_stride)
      for (let i: usize = 0; i < <usize>bytes; i += 2) store<u16>(dst + i, load<u16>(src + i));
  }
}
