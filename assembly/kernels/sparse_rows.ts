import { Field } from "../lib/record";
import { ConvField } from "../shared/plan";
import { Epilogue } from "./qs8_epilogue";
import { qs8_widen } from "./qs8_widen";

/** Whether every output pixel reads the input pixel of the same number, and that alone. */
export function reads_pixels(r: usize): bool {
  const window = Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w);
  const stride = Field.i32(r, ConvField.stride_h) * Field.i32(r, ConvField.stride_w);
  const same =
    Field.i32(r, ConvField.in_h) === Field.i32(r, ConvField.out_h) && Field.i32(r, ConvField.in_w) === Field.i32(r, ConvField.out_w);
  return window === 1 && stride === 1 && same && !(Field.i32(r, ConvField.pad_top) | Field.i32(r, ConvField.pad_left));
}

/**
 * What output pixels `first` to `first + rows` (over all batches) read, as i16 rows of ⌈k/2⌉ · 2 elements in the order [kernel_h][kernel_w][in_c / groups],
 * the zero point subtracted so that padding is 0. `a` is the group's first channel in the first pixel of the input.
 */
export function qs8_sparse_rows(r: usize, dst: usize, a: usize, first: i32, rows: i32): void {
  if (!reads_pixels(r)) {
    qs8_windows(r, dst, a, first, rows);
    return;
  }
  const in_c = Field.i32(r, ConvField.in_c);
  const k = in_c / Field.i32(r, ConvField.groups);
  const stride = ((k + 1) & ~1) << 1;
  qs8_widen(dst, stride, a + first * in_c, in_c, rows, k, Epilogue.zero(r + (ConvField.lo << 2)));
  if (k & 1) for (let end = dst + (k << 1); rows > 0; rows--, end += stride) store<i16>(end, 0);
}

/**
 * The same of windows. What lies side by side in the input, a whole kernel row where there is no dilation and one group, is one run, and a window
 * of such rows away from the border one call.
 */
function qs8_windows(r: usize, dst: usize, a: usize, first: i32, rows: i32): void {
  const in_h = Field.i32(r, ConvField.in_h);
  const in_w = Field.i32(r, ConvField.in_w);
  const in_c = Field.i32(r, ConvField.in_c);
  const out_h = Field.i32(r, ConvField.out_h);
  const out_w = Field.i32(r, ConvField.out_w);
  const kernel_h = Field.i32(r, ConvField.kernel_h);
  const kernel_w = Field.i32(r, ConvField.kernel_w);
  const dilation_h = Field.i32(r, ConvField.dilation_h);
  const dilation_w = Field.i32(r, ConvField.dilation_w);
  const groups = Field.i32(r, ConvField.groups);
  const zero = Epilogue.zero(r + (ConvField.lo << 2));
  const channels = in_c / groups;
  const run = dilation_w === 1 && groups === 1 ? kernel_w : 1;
  const reach = (kernel_h - 1) * dilation_h;
  const row_bytes = (kernel_w * channels) << 1;
  const odd = (kernel_h * kernel_w * channels) & 1;
  const stride_w = Field.i32(r, ConvField.stride_w);
  const line = first / out_w;
  let x = first % out_w;
  let y = line % out_h;
  let image = a + (line / out_h) * in_h * in_w * in_c;
  for (; rows > 0; rows--) {
    const top = y * Field.i32(r, ConvField.stride_h) - Field.i32(r, ConvField.pad_top);
    const left = x * stride_w - Field.i32(r, ConvField.pad_left);
    if (run === kernel_w && top >= 0 && top + reach < in_h && left >= 0 && left + run <= in_w) {
      qs8_widen(dst, row_bytes, image + (top * in_w + left) * in_c, dilation_h * in_w * in_c, kernel_h, kernel_w * channels, zero);
      dst += kernel_h * row_bytes;
    } else
      for (let ky = 0; ky < kernel_h; ky++) {
        const iy = top + ky * dilation_h;
        if (iy < 0 || iy >= in_h) {
          dst = clear(dst, kernel_w * channels);
          continue;
        }
        for (let kx = 0; kx < kernel_w; kx += run) {
          const ix = left + kx * dilation_w;
          const begin = min(max(-ix, 0), run);
          const inside = max(min(in_w - ix, run), begin) - begin;
          dst = clear(dst, begin * channels);
          if (inside) qs8_widen(dst, 0, image + (iy * in_w + ix + begin) * in_c, 0, 1, inside * channels, zero);
          dst = clear(dst + ((inside * channels) << 1), (run - begin - inside) * channels);
        }
      }
    dst = clear(dst, odd);
    if (++x < out_w) continue;
    x = 0;
    if (++y < out_h) continue;
    y = 0;
    image += in_h * in_w * in_c;
  }
}

/** n zeros, and the address after them. */
function clear(dst: usize, n: i32): usize {
  for (; n > 0; n--, dst += 2) store<i16>(dst, 0);
  return dst;
}
