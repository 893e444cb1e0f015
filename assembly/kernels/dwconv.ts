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
      Taps.line_3x3(n, channels, at + ky0 * down, down, right, across, w + ((ky0 * 3 * channels) << 2), bias, c, lo, hi);
      x += n;
      left += n * stride_w;
      at += n * across;
      c += (n * channels) << 2;
    } else {
      Taps.pixel(ky0, ky1, kx0, kx1, kernel_w, channels, at, down, right, w, bias, c, lo, hi);
      x++;
      left += stride_w;
      at += across;
      c += channels << 2;
    }
  }
}

/** `down`, `right`, `across` are the bytes from tap to tap and from one output pixel's window to the next. */
class Taps {
  /** Any window: four channels at a time. */
  static pixel(
    ky0: i32,
    ky1: i32,
    kx0: i32,
    kx1: i32,
    kernel_w: i32,
    channels: i32,
    a: usize,
    down: i32,
    right: i32,
    w: usize,
    bias: usize,
    c: usize,
    lo: v128,
    hi: v128,
  ): void {
    const wide = channels << 2;
    a += ky0 * down + kx0 * right;
    w += (ky0 * kernel_w + kx0) * wide;
    for (let n = channels; n > 0; n -= 4, a += 16, w += 16, c += 16) {
      let sum = f32x4.splat(0);
      let line = a;
      let taps = w;
      for (let ky = ky0; ky < ky1; ky++, line += down, taps += kernel_w * wide) {
        let from = line;
        let tap = taps;
        for (let kx = kx0; kx < kx1; kx++, from += right, tap += wide) {
          sum = f32x4.add(sum, f32x4.mul(Lanes.load(from, n), Lanes.load(tap, n)));
        }
      }
      if (bias) {
        sum = f32x4.add(sum, Lanes.load(bias, n));
        bias += 16;
      } else sum = f32x4.add(sum, f32x4.splat(0));
      Lanes.store(c, F32x4.clamp(sum, lo, hi), n);
    }
  }

  /** `n` output pixels of a 3×3 kernel: nine weights stay in registers while four channels run along the line. */
  static line_3x3(
    n: i32,
    channels: i32,
    a: usize,
    down: i32,
    right: i32,
    across: i32,
    w: usize,
    bias: usize,
    c: usize,
    lo: v128,
    hi: v128,
  ): void {
    const wide = channels << 2;
    const far = 2 * right;
    for (let rest = channels; rest > 0; rest -= 4) {
      const w0 = Lanes.load(w, rest);
      const w1 = Lanes.load(w + wide, rest);
      const w2 = Lanes.load(w + 2 * wide, rest);
      const w3 = Lanes.load(w + 3 * wide, rest);
      const w4 = Lanes.load(w + 4 * wide, rest);
      const w5 = Lanes.load(w + 5 * wide, rest);
      const w6 = Lanes.load(w + 6 * wide, rest);
      const w7 = Lanes.load(w + 7 * wide, rest);
      const w8 = Lanes.load(w + 8 * wide, rest);
      const shift = bias ? Lanes.load(bias, rest) : f32x4.splat(0);
      let from = a;
      let to = c;
      for (let x = 0; x < n; x++, from += across, to += wide) {
        let sum = f32x4.add(f32x4.splat(0), f32x4.mul(w0, Lanes.load(from, rest)));
        sum = f32x4.add(sum, f32x4.mul(w1, Lanes.load(from + right, rest)));
        sum = f32x4.add(sum, f32x4.mul(w2, Lanes.load(from + far, rest)));
        const middle = from + down;
        sum = f32x4.add(sum, f32x4.mul(w3, Lanes.load(middle, rest)));
        sum = f32x4.add(sum, f32x4.mul(w4, Lanes.load(middle + right, rest)));
        sum = f32x4.add(sum, f32x4.mul(w5, Lanes.load(middle + far, rest)));
        const last = middle + down;
        sum = f32x4.add(sum, f32x4.mul(w6, Lanes.load(last, rest)));
        sum = f32x4.add(sum, f32x4.mul(w7, Lanes.load(last + right, rest)));
        sum = f32x4.add(sum, f32x4.mul(w8, Lanes.load(last + far, rest)));
        Lanes.store(to, F32x4.clamp(f32x4.add(sum, shift), lo, hi), rest);
      }
      a += 16;
      w += 16;
      c += 16;
      if (bias) bias += 16;
    }
  }
}
