import { Field } from "../lib/record";
import { Window } from "../lib/window";
import { Pool, PoolField } from "../shared/plan";
import { Lanes } from "./lanes";

/** Op `f32_pool`: sums run over window row and column, in this order, from +0. A window without elements gives −∞ or 0. */
export function f32_pool(r: usize): void {
  const channels = Field.i32(r, PoolField.channels);
  const image = (Field.i32(r, PoolField.in_h) * Field.i32(r, PoolField.in_w) * channels) << 2;
  const line = (Field.i32(r, PoolField.out_w) * channels) << 2;
  const out_h = Field.i32(r, PoolField.out_h);
  let a = Field.address(r, PoolField.a);
  let c = Field.address(r, PoolField.c);
  for (let batch = Field.i32(r, PoolField.batch); batch > 0; batch--, a += image) {
    for (let y = 0; y < out_h; y++, c += line) f32_pool_row(r, a, y, c);
  }
}

/** One line of the output. */
export function f32_pool_row(r: usize, a: usize, y: i32, c: usize): void {
  const in_h = Field.i32(r, PoolField.in_h);
  const in_w = Field.i32(r, PoolField.in_w);
  const channels = Field.i32(r, PoolField.channels);
  const out_w = Field.i32(r, PoolField.out_w);
  const kernel_h = Field.i32(r, PoolField.kernel_h);
  const kernel_w = Field.i32(r, PoolField.kernel_w);
  const stride_w = Field.i32(r, PoolField.stride_w);
  const dilation_h = Field.i32(r, PoolField.dilation_h);
  const dilation_w = Field.i32(r, PoolField.dilation_w);
  const include_pad = Field.i32(r, PoolField.include_pad);
  const largest = Field.i32(r, PoolField.kind) === Pool.max;
  const top = y * Field.i32(r, PoolField.stride_h) - Field.i32(r, PoolField.pad_top);
  const ky0 = Window.first(top, dilation_h);
  const ky1 = Window.end(top, in_h, kernel_h, dilation_h);
  const rows = include_pad ? Window.end(top, in_h + Field.i32(r, PoolField.pad_bottom), kernel_h, dilation_h) : ky1 - ky0;
  const down = (dilation_h * in_w * channels) << 2;
  const right = (dilation_w * channels) << 2;
  let left = -Field.i32(r, PoolField.pad_left);
  for (let x = 0; x < out_w; x++, left += stride_w) {
    const kx0 = Window.first(left, dilation_w);
    const kx1 = Window.end(left, in_w, kernel_w, dilation_w);
    const columns = include_pad ? Window.end(left, in_w + Field.i32(r, PoolField.pad_right), kernel_w, dilation_w) : kx1 - kx0;
    const from = a + <isize>(((top * in_w + left) * channels) << 2) + <isize>(ky0 * down + kx0 * right);
    if (largest) Taps.max(ky1 - ky0, kx1 - kx0, channels, from, down, right, c);
    else Taps.average(ky1 - ky0, kx1 - kx0, channels, from, down, right, <f32>max(rows * columns, 1), c);
    c += channels << 2;
  }
}

/** A window of h × w taps over all channels; `down` and `right` are the bytes from tap to tap. */
class Taps {
  static max(h: i32, w: i32, channels: i32, a: usize, down: i32, right: i32, c: usize): void {
    let n = channels;
    for (; n >= 4; n -= 4, a += 16, c += 16) v128.store(c, Taps.largest(4, h, w, a, down, right));
    if (n > 0) Lanes.store_tail(c, Taps.largest(n, h, w, a, down, right), n);
  }

  static average(h: i32, w: i32, channels: i32, a: usize, down: i32, right: i32, count: f32, c: usize): void {
    const size = f32x4.splat(count);
    let n = channels;
    for (; n >= 4; n -= 4, a += 16, c += 16) v128.store(c, f32x4.div(Taps.sum(4, h, w, a, down, right), size));
    if (n > 0) Lanes.store_tail(c, f32x4.div(Taps.sum(n, h, w, a, down, right), size), n);
  }

  @inline static largest(n: i32, h: i32, w: i32, a: usize, down: i32, right: i32): v128 {
    let y = f32x4.splat(-Infinity);
    for (let ky = 0, line = a; ky < h; ky++, line += down) {
      for (let kx = 0, from = line; kx < w; kx++, from += right) y = f32x4.max(y, Lanes.load(from, n));
    }
    return y;
  }

  @inline static sum(n: i32, h: i32, w: i32, a: usize, down: i32, right: i32): v128 {
    let y = f32x4.splat(0);
    for (let ky = 0, line = a; ky < h; ky++, line += down) {
      for (let kx = 0, from = line; kx < w; kx++, from += right) y = f32x4.add(y, Lanes.load(from, n));
    }
    return y;
  }
}
