import { Field } from "../lib/record";
import { ConvField, EpilogueField } from "../shared/plan";
import { Epilogue, Requantize } from "./qs8_epilogue";
import { qs8_widen } from "./qs8_widen";

/**
 * Op `qs8_dwconv`. The input rows that a row of outputs reads are kept in scratch as i16, zero point subtracted, with their padding as zeros and
 * channels rounded up to 8: no window has an edge case. A row stays there until another takes its slot, so with dilation 1 each is widened once.
 *
 * Scratch (`qs8DepthwiseScratch`): kernel_h + 1 rows of (out_w − 1) · stride_w + (kernel_w − 1) · dilation_w + 1 pixels, the last one all
 * padding; then which input row each slot holds (i32); then one address per tap, ended by one more where their number is odd.
 */
export function qs8_dwconv(r: usize): void {
  const in_h = Field.i32(r, ConvField.in_h);
  const out_h = Field.i32(r, ConvField.out_h);
  const out_w = Field.i32(r, ConvField.out_w);
  const channels = Field.i32(r, ConvField.in_c);
  const kernel_h = Field.i32(r, ConvField.kernel_h);
  const kernel_w = Field.i32(r, ConvField.kernel_w);
  const stride_w = Field.i32(r, ConvField.stride_w);
  const dilation_h = Field.i32(r, ConvField.dilation_h);
  const dilation_w = Field.i32(r, ConvField.dilation_w);
  const size = Field.i32(r, ConvField.c_size);
  const rows = Field.address(r, ConvField.scratch);
  const pixel = ((channels + 7) & ~7) << 1;
  const width = (out_w - 1) * stride_w + (kernel_w - 1) * dilation_w + 1;
  const row_bytes = width * pixel;
  const padding = rows + kernel_h * row_bytes;
  const held = padding + row_bytes;
  const taps = held + ((<usize>kernel_h) << 2);
  const pairs = (kernel_h * kernel_w + 1) >> 1;
  let a = Field.address(r, ConvField.a);
  let c = Field.address(r, ConvField.c);
  memory.fill(rows, 0, (kernel_h + 1) * row_bytes);
  for (let b = Field.i32(r, ConvField.batch); b > 0; b--, a += in_h * Field.i32(r, ConvField.in_w) * channels) {
    for (let slot = 0; slot < kernel_h; slot++) store<i32>(held + ((<usize>slot) << 2), -1);
    for (let y = 0; y < out_h; y++, c += out_w * channels * size) {
      let tap = taps;
      for (let ky = 0; ky < kernel_h; ky++) {
        const iy = y * Field.i32(r, ConvField.stride_h) - Field.i32(r, ConvField.pad_top) + ky * dilation_h;
        let row = padding;
        if (iy >= 0 && iy < in_h) {
          const slot = (iy / dilation_h) % kernel_h;
          row = rows + slot * row_bytes;
          if (load<i32>(held + ((<usize>slot) << 2)) !== iy) widen_row(r, row, a, iy, width, pixel);
          store<i32>(held + ((<usize>slot) << 2), iy);
        }
        for (let kx = 0; kx < kernel_w; kx++, row += dilation_w * pixel, tap += 4) store<u32>(tap, row);
      }
      store<u32>(tap, padding);
      qs8_qc8w_dwconv_2x8(r, taps, pairs, stride_w * pixel, c);
    }
  }
}

/** Input row `iy` into a row of scratch whose margins are zero. */
function widen_row(r: usize, dst: usize, a: usize, iy: i32, width: i32, pixel: i32): void {
  const in_w = Field.i32(r, ConvField.in_w);
  const channels = Field.i32(r, ConvField.in_c);
  const pad_left = Field.i32(r, ConvField.pad_left);
  const zero = Epilogue.zero(r + (ConvField.lo << 2));
  const n = min(in_w, width - pad_left);
  const src = a + iy * in_w * channels;
  dst += pad_left * pixel;
  if (channels & 7) qs8_widen(dst, pixel, src, channels, n, channels, zero);
  else if (n > 0) qs8_widen(dst, 0, src, 0, 1, n * channels, zero);
}

/**
 * One row of outputs, two pixels × 8 channels at a time; a last single pixel is computed twice. `taps`: `pairs` · 2 addresses of what the
 * first output reads; `step`: bytes from one output's input to the next one's. Pairs of taps are interleaved so that `dot` adds both products.
 */
export function qs8_qc8w_dwconv_2x8(r: usize, taps: usize, pairs: i32, step: usize, c: usize): void {
  const channels = Field.i32(r, ConvField.in_c);
  const out_w = Field.i32(r, ConvField.out_w);
  const pixel = <usize>(channels * Field.i32(r, ConvField.c_size));
  const size = Field.i32(r, ConvField.c_size);
  const bias = Field.address(r, ConvField.bias);
  const e = r + (ConvField.lo << 2);
  const end = taps + ((<usize>pairs) << 3);
  const zero = Field.i32(e, EpilogueField.c_zero);
  const lo = f32x4.splat(f32(Field.i32(e, EpilogueField.lo) - zero));
  const hi = i8x16.splat(i8(Field.i32(e, EpilogueField.hi)));
  const offset = Requantize.offset(zero);
  for (let i = 0; i < channels; i += 8) {
    const w = Field.address(r, ConvField.w) + (i >> 4) * (pairs << 5) + ((i & 8) << 1);
    const at = (<usize>i) << 2;
    const shift = bias ? bias + at : Epilogue.bias(0);
    const start = Epilogue.start(bias ? shift : 0, e);
    const scale = Field.address(r, ConvField.scale) + at;
    const scale0 = v128.load(scale);
    const scale1 = v128.load(scale, 16);
    const whole = size === 1 && channels - i >= 8;
    let from = (<usize>i) << 1;
    let to = c + i * size;
    for (let x = out_w; x > 0; x -= 2, from += step << 1, to += pixel << 1) {
      const next: usize = x > 1 ? step : 0;
      let p00 = v128.load(start);
      let p01 = v128.load(start, 16);
      let p10 = p00;
      let p11 = p01;
      let q = w;
      for (let t = taps; t < end; t += 8, q += 32) {
        const u = <usize>load<u32>(t) + from;
        const v = <usize>load<u32>(t, 4) + from;
        const w0 = v128.load8x8_s(q);
        const w1 = v128.load8x8_s(q, 8);
        const u0 = v128.load(u);
        const v0 = v128.load(v);
        p00 = i32x4.add(p00, i32x4.dot_i16x8_s(v128.shuffle<i16>(u0, v0, 0, 8, 1, 9, 2, 10, 3, 11), w0));
        p01 = i32x4.add(p01, i32x4.dot_i16x8_s(v128.shuffle<i16>(u0, v0, 4, 12, 5, 13, 6, 14, 7, 15), w1));
        const u1 = v128.load(u + next);
        const v1 = v128.load(v + next);
        p10 = i32x4.add(p10, i32x4.dot_i16x8_s(v128.shuffle<i16>(u1, v1, 0, 8, 1, 9, 2, 10, 3, 11), w0));
        p11 = i32x4.add(p11, i32x4.dot_i16x8_s(v128.shuffle<i16>(u1, v1, 4, 12, 5, 13, 6, 14, 7, 15), w1));
      }
      const beside = x > 1 ? to + pixel : to;
      if (whole) {
        const both = Requantize.narrow(
          Requantize.i32x4(p00, scale0, lo, offset),
          Requantize.i32x4(p01, scale1, lo, offset),
          Requantize.i32x4(p10, scale0, lo, offset),
          Requantize.i32x4(p11, scale1, lo, offset),
          hi,
        );
        v128.store64_lane(to, both, 0);
        v128.store64_lane(beside, both, 1);
      } else Epilogue.store2(p00, p01, p10, p11, shift, scale, to, beside, min(channels - i, 8), e);
    }
  }
}
