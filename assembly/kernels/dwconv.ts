import { Madd } from "../lib/madd";
import { Field } from "../lib/record";
import { Window } from "../lib/window";
import { ConvField } from "../shared/plan";
import { Lanes } from "./lanes";
import { F32x4 } from "./math";

/** Op `f32_dwconv`: each output is the sum over kernel row and column, in this order, from +0, without the padding; then bias, then clamp. */
export function f32_dwconv(r: usize): void {
  const image = (Field.i32(r, ConvField.in_h) * Field.i32(r, ConvField.in_w) * Field.i32(r, ConvField.in_c)) << 2;
  const line = (Field.i32(r, ConvField.out_w) * Field.i32(r, ConvField.out_c)) << 2;
  const out_h = Field.i32(r, ConvField.out_h);
  let a = Field.address(r, ConvField.a);
  let c = Field.address(r, ConvField.c);
  for (let batch = Field.i32(r, ConvField.batch); batch > 0; batch--, a += image) {
    for (let y = 0; y < out_h; y++, c += line) f32_dwconv_row(r, a, y, c);
  }
}

/** One line of the output: its margins pixel by pixel, the pixels between them, whose windows lie wholly inside, by the form for their kernel. */
export function f32_dwconv_row(r: usize, a: usize, y: i32, c: usize): void {
  const in_h = Field.i32(r, ConvField.in_h);
  const in_w = Field.i32(r, ConvField.in_w);
  const channels = Field.i32(r, ConvField.in_c);
  const out_w = Field.i32(r, ConvField.out_w);
  const kernel_h = Field.i32(r, ConvField.kernel_h);
  const kernel_w = Field.i32(r, ConvField.kernel_w);
  const stride_w = Field.i32(r, ConvField.stride_w);
  const dilation_h = Field.i32(r, ConvField.dilation_h);
  const dilation_w = Field.i32(r, ConvField.dilation_w);
  const pad_left = Field.i32(r, ConvField.pad_left);
  const top = y * Field.i32(r, ConvField.stride_h) - Field.i32(r, ConvField.pad_top);
  const ky0 = Window.first(top, dilation_h);
  const ky1 = Window.end(top, in_h, kernel_h, dilation_h);
  const down = (dilation_h * in_w * channels) << 2;
  const right = (dilation_w * channels) << 2;
  const across = (stride_w * channels) << 2;
  const wide = channels << 2;
  const pitch = kernel_w * wide;
  const rest = channels & 3;
  const w = Field.address(r, ConvField.w);
  const bias = Field.address(r, ConvField.bias);
  const lo = f32x4.splat(Field.f32(r, ConvField.lo));
  const hi = f32x4.splat(Field.f32(r, ConvField.hi));
  let at = a + <isize>(((top * in_w - pad_left) * channels) << 2);
  let left = -pad_left;
  let x = 0;
  while (x < out_w) {
    const kx0 = Window.first(left, dilation_w);
    const kx1 = Window.end(left, in_w, kernel_w, dilation_w);
    if (ky1 - ky0 === 3 && kernel_w === 3 && kx0 === 0 && kx1 === 3 && channels >= 4) {
      const n = min(out_w - x, (in_w - 1 - left - 2 * dilation_w) / stride_w + 1);
      const from = at + ky0 * down;
      Taps.line_3x3(n, channels, from, down, right, across, w + ky0 * pitch, wide, bias, c, lo, hi);
      if (rest) {
        const skip = wide - (rest << 2);
        for (let i = 0; i < n; i++) {
          Taps.pixel(
            3,
            3,
            rest,
            from + i * across + skip,
            down,
            right,
            w + ky0 * pitch + skip,
            pitch,
            wide,
            bias ? bias + skip : 0,
            c + i * wide + skip,
            lo,
            hi,
          );
        }
      }
      x += n;
      left += n * stride_w;
      at += n * across;
      c += n * wide;
    } else {
      Taps.pixel(
        ky1 - ky0,
        kx1 - kx0,
        channels,
        at + ky0 * down + kx0 * right,
        down,
        right,
        w + ky0 * pitch + kx0 * wide,
        pitch,
        wide,
        bias,
        c,
        lo,
        hi,
      );
      x++;
      left += stride_w;
      at += across;
      c += wide;
    }
  }
}

/** `down`, `right`, `across` are the bytes from tap to tap and from one output pixel's window to the next; `wide` those of a pixel. */
class Taps {
  /** Any window, `h` × `w` taps of it inside the input: four channels at a time. `pitch` is the bytes from weights row to row. */
  static pixel(
    h: i32,
    w: i32,
    channels: i32,
    a: usize,
    down: i32,
    right: i32,
    weights: usize,
    pitch: i32,
    wide: i32,
    bias: usize,
    c: usize,
    lo: v128,
    hi: v128,
  ): void {
    for (; channels >= 4; channels -= 4, a += 16, weights += 16, c += 16) {
      Taps.channels(4, h, w, a, down, right, weights, pitch, wide, bias, c, lo, hi);
      if (bias) bias += 16;
    }
    if (channels > 0) Taps.channels(channels, h, w, a, down, right, weights, pitch, wide, bias, c, lo, hi);
  }

  @inline static channels(
    n: i32,
    h: i32,
    w: i32,
    a: usize,
    down: i32,
    right: i32,
    weights: usize,
    pitch: i32,
    wide: i32,
    bias: usize,
    c: usize,
    lo: v128,
    hi: v128,
  ): void {
    let sum = f32x4.splat(0);
    for (let ky = 0, line = a, taps = weights; ky < h; ky++, line += down, taps += pitch) {
      for (let kx = 0, from = line, tap = taps; kx < w; kx++, from += right, tap += wide) {
        sum = Madd.f32x4(Lanes.load(from, n), Lanes.load(tap, n), sum);
      }
    }
    const shift = bias ? Lanes.load(bias, n) : f32x4.splat(0);
    Lanes.store(c, F32x4.clamp(f32x4.add(sum, shift), lo, hi), n);
  }

  /** `n` output pixels of a 3×3 kernel, whole fours of channels: nine weights stay in registers while four channels run along the line. */
  static line_3x3(
    n: i32,
    channels: i32,
    a: usize,
    down: i32,
    right: i32,
    across: i32,
    weights: usize,
    wide: i32,
    bias: usize,
    c: usize,
    lo: v128,
    hi: v128,
  ): void {
    const far = 2 * right;
    for (; channels >= 4; channels -= 4) {
      const w0 = v128.load(weights);
      const w1 = v128.load(weights + wide);
      const w2 = v128.load(weights + 2 * wide);
      const w3 = v128.load(weights + 3 * wide);
      const w4 = v128.load(weights + 4 * wide);
      const w5 = v128.load(weights + 5 * wide);
      const w6 = v128.load(weights + 6 * wide);
      const w7 = v128.load(weights + 7 * wide);
      const w8 = v128.load(weights + 8 * wide);
      const shift = bias ? v128.load(bias) : f32x4.splat(0);
      for (let x = 0, from = a, to = c; x < n; x++, from += across, to += wide) {
        let sum = Madd.f32x4(w0, v128.load(from), f32x4.splat(0));
        sum = Madd.f32x4(w1, v128.load(from + right), sum);
        sum = Madd.f32x4(w2, v128.load(from + far), sum);
        const middle = from + down;
        sum = Madd.f32x4(w3, v128.load(middle), sum);
        sum = Madd.f32x4(w4, v128.load(middle + right), sum);
        sum = Madd.f32x4(w5, v128.load(middle + far), sum);
        const last = middle + down;
        sum = Madd.f32x4(w6, v128.load(last), sum);
        sum = Madd.f32x4(w7, v128.load(last + right), sum);
        sum = Madd.f32x4(w8, v128.load(last + far), sum);
        v128.store(to, F32x4.clamp(f32x4.add(sum, shift), lo, hi));
      }
      a += 16;
      weights += 16;
      c += 16;
      if (bias) bias += 16;
    }
  }
}
