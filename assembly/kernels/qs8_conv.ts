import { Field } from "../lib/record";
import { PANEL_ROWS } from "../shared/layout";
import { ConvField } from "../shared/plan";
import { Epilogue } from "./qs8_epilogue";
import { qs8_widen_even } from "./qs8_gemm";
import { qs8_panels } from "./qs8_panel";
import { qs8_widen } from "./qs8_widen";

/** Op `qs8_conv`: a matrix product of im2col rows, PANEL_ROWS output pixels of one group at a time. */
export function qs8_conv(r: usize): void {
  const in_c = Field.i32(r, ConvField.in_c);
  const out_c = Field.i32(r, ConvField.out_c);
  const groups = Field.i32(r, ConvField.groups);
  const group_in = in_c / groups;
  const group_out = out_c / groups;
  const k = Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w) * group_in;
  const pairs = (k + 1) >> 1;
  const padded_out = (group_out + 15) & ~15;
  const size = Field.i32(r, ConvField.c_size);
  const scratch = Field.address(r, ConvField.scratch);
  const bias = Field.address(r, ConvField.bias);
  const e = r + (ConvField.lo << 2);
  const pixels = Field.i32(r, ConvField.batch) * Field.i32(r, ConvField.out_h) * Field.i32(r, ConvField.out_w);
  const pointwise = is_pointwise(r);
  for (let first = 0; first < pixels; first += PANEL_ROWS) {
    const rows = min(pixels - first, PANEL_ROWS);
    let a = Field.address(r, ConvField.a);
    let w = Field.address(r, ConvField.w);
    let scale = Field.address(r, ConvField.scale);
    let at: usize = 0;
    let c = Field.address(r, ConvField.c) + first * out_c * size;
    for (let group = 0; group < groups; group++, a += group_in) {
      if (pointwise) qs8_widen_even(scratch, a + first * in_c, rows, k, in_c, Epilogue.zero(e));
      else qs8_im2col(r, scratch, a, first, rows);
      qs8_panels(rows, pairs, group_out, scratch, w, bias ? bias + at : 0, scale, c, out_c * size, size, e);
      w += padded_out * pairs * 2;
      scale += padded_out << 2;
      at += padded_out << 2;
      c += group_out * size;
    }
  }
}

/** Whether the im2col rows are the input's pixels as they lie. */
function is_pointwise(r: usize): bool {
  const window = Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w);
  const stride = Field.i32(r, ConvField.stride_h) * Field.i32(r, ConvField.stride_w);
  const same =
    Field.i32(r, ConvField.in_h) === Field.i32(r, ConvField.out_h) && Field.i32(r, ConvField.in_w) === Field.i32(r, ConvField.out_w);
  return window === 1 && stride === 1 && same && !(Field.i32(r, ConvField.pad_top) | Field.i32(r, ConvField.pad_left));
}

/**
 * Windows of output pixels `first` to `first + rows` (over all batches) as i16 rows of ⌈k/2⌉ · 2 elements in the order [kernel_h][kernel_w][in_c / groups],
 * the zero point subtracted so that padding is 0. `a` is the group's first channel in the first pixel of the input. What lies side by side
 * in the input, a whole kernel row where there is no dilation and one group, is copied as one run.
 */
export function qs8_im2col(r: usize, dst: usize, a: usize, first: i32, rows: i32): void {
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
