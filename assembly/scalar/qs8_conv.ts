/** `qs8_conv` and `qs8_dwconv` as plain loops over one window: a depthwise convolution is one whose groups have one channel each. */
import { Field } from "../lib/record";
import { QS8_NR } from "../shared/layout";
import { ConvField } from "../shared/plan";
import { qs8_finish, qs8_input_zero } from "./qs8_epilogue";
import { qs8_packed } from "./qs8_gemm";

/** The same integers as `qs8_conv`: how they are summed up does not show. */
export function qs8_winograd(r: usize): void {
  qs8_conv(r);
}

export function qs8_conv(r: usize): void {
  const in_h = Field.i32(r, ConvField.in_h);
  const in_w = Field.i32(r, ConvField.in_w);
  const in_c = Field.i32(r, ConvField.in_c);
  const out_h = Field.i32(r, ConvField.out_h);
  const out_w = Field.i32(r, ConvField.out_w);
  const out_c = Field.i32(r, ConvField.out_c);
  const groups = Field.i32(r, ConvField.groups);
  const group_in = in_c / groups;
  const group_out = out_c / groups;
  const panels = (group_out + QS8_NR - 1) / QS8_NR;
  const pairs = (Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w) * group_in + 1) >> 1;
  const bias = Field.address(r, ConvField.bias);
  const scale = Field.address(r, ConvField.scale);
  const e = r + (ConvField.lo << 2);
  const size = Field.i32(r, ConvField.c_size);
  let a = Field.address(r, ConvField.a);
  let c = Field.address(r, ConvField.c);
  for (let b = 0; b < Field.i32(r, ConvField.batch); b++, a += in_h * in_w * in_c)
    for (let y = 0; y < out_h; y++)
      for (let x = 0; x < out_w; x++)
        for (let o = 0; o < out_c; o++, c += size) {
          const group = o / group_out;
          const w = Field.address(r, ConvField.w) + group * panels * pairs * QS8_NR * 2;
          const acc = qs8_window(r, a + group * group_in, y, x, group_in, w, pairs, o % group_out);
          qs8_finish(acc, group * panels * QS8_NR + (o % group_out), bias, scale, c, e);
        }
}

export function qs8_dwconv(r: usize): void {
  const out_h = Field.i32(r, ConvField.out_h);
  const out_w = Field.i32(r, ConvField.out_w);
  const channels = Field.i32(r, ConvField.in_c);
  const plane = Field.i32(r, ConvField.in_h) * Field.i32(r, ConvField.in_w) * channels;
  const pairs = (Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w) + 1) >> 1;
  const w = Field.address(r, ConvField.w);
  const bias = Field.address(r, ConvField.bias);
  const scale = Field.address(r, ConvField.scale);
  const e = r + (ConvField.lo << 2);
  const size = Field.i32(r, ConvField.c_size);
  let a = Field.address(r, ConvField.a);
  let c = Field.address(r, ConvField.c);
  for (let b = 0; b < Field.i32(r, ConvField.batch); b++, a += plane)
    for (let y = 0; y < out_h; y++)
      for (let x = 0; x < out_w; x++)
        for (let o = 0; o < channels; o++, c += size) qs8_finish(qs8_window(r, a + o, y, x, 1, w, pairs, o), o, bias, scale, c, e);
}

/** Σ (a − a_zero) · w over the window of output (y, x) and `channels` adjacent input channels, with the weights of output `o`; `a` is the first of them. */
function qs8_window(r: usize, a: usize, y: i32, x: i32, channels: i32, w: usize, pairs: i32, o: i32): i32 {
  const zero = qs8_input_zero(r + (ConvField.lo << 2));
  const in_h = Field.i32(r, ConvField.in_h);
  const in_w = Field.i32(r, ConvField.in_w);
  const in_c = Field.i32(r, ConvField.in_c);
  const kernel_h = Field.i32(r, ConvField.kernel_h);
  const kernel_w = Field.i32(r, ConvField.kernel_w);
  const top = y * Field.i32(r, ConvField.stride_h) - Field.i32(r, ConvField.pad_top);
  const left = x * Field.i32(r, ConvField.stride_w) - Field.i32(r, ConvField.pad_left);
  let acc = 0;
  for (let ky = 0; ky < kernel_h; ky++)
    for (let kx = 0; kx < kernel_w; kx++) {
      const iy = top + ky * Field.i32(r, ConvField.dilation_h);
      const ix = left + kx * Field.i32(r, ConvField.dilation_w);
      if (iy < 0 || iy >= in_h || ix < 0 || ix >= in_w) continue;
      const from = a + (iy * in_w + ix) * in_c;
      const k = (ky * kernel_w + kx) * channels;
      for (let i = 0; i < channels; i++) acc += (load<i8>(from + i) - zero) * qs8_packed(w, pairs, o, k + i);
    }
  return acc;
}
