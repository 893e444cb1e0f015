import { Field } from "../lib/record";
import { Pool, PoolField } from "../shared/plan";
import { Bytes } from "./bytes";
import { Requantize } from "./qs8_epilogue";

/** Op `qs8_pool`. */
export function qs8_pool(r: usize): void {
  const channels = Field.i32(r, PoolField.channels);
  const plane = Field.i32(r, PoolField.in_h) * Field.i32(r, PoolField.in_w) * channels;
  const out_h = Field.i32(r, PoolField.out_h);
  const row = Field.i32(r, PoolField.out_w) * channels;
  let a = Field.address(r, PoolField.a);
  let c = Field.address(r, PoolField.c);
  for (let b = Field.i32(r, PoolField.batch); b > 0; b--, a += plane) for (let y = 0; y < out_h; y++, c += row) qs8_pool_row(r, a, y, c);
}

/** One row of outputs. */
export function qs8_pool_row(r: usize, a: usize, y: i32, c: usize): void {
  const in_h = Field.i32(r, PoolField.in_h);
  const in_w = Field.i32(r, PoolField.in_w);
  const channels = Field.i32(r, PoolField.channels);
  const kernel_h = Field.i32(r, PoolField.kernel_h);
  const kernel_w = Field.i32(r, PoolField.kernel_w);
  const dilation_h = Field.i32(r, PoolField.dilation_h);
  const dilation_w = Field.i32(r, PoolField.dilation_w);
  const average = Field.i32(r, PoolField.kind) === Pool.average;
  const top = y * Field.i32(r, PoolField.stride_h) - Field.i32(r, PoolField.pad_top);
  const y0 = Window.begin(top, dilation_h);
  const y1 = Window.end(top, dilation_h, kernel_h, in_h);
  const pad = Field.i32(r, PoolField.include_pad) !== 0;
  const counted_h = pad ? Window.end(top, dilation_h, kernel_h, in_h + Field.i32(r, PoolField.pad_bottom)) : max(y1 - y0, 0);
  for (let x = 0, n = Field.i32(r, PoolField.out_w); x < n; x++, c += channels) {
    const left = x * Field.i32(r, PoolField.stride_w) - Field.i32(r, PoolField.pad_left);
    const x0 = Window.begin(left, dilation_w);
    const x1 = Window.end(left, dilation_w, kernel_w, in_w);
    const first = a + ((top + y0 * dilation_h) * in_w + left + x0 * dilation_w) * channels;
    const rows = max(y1 - y0, 0);
    const columns = max(x1 - x0, 0);
    const down = dilation_h * in_w * channels;
    const right = dilation_w * channels;
    if (average) {
      const counted_w = pad ? Window.end(left, dilation_w, kernel_w, in_w + Field.i32(r, PoolField.pad_right)) : columns;
      const factor = Field.f32(r, PoolField.scale) / f32(max(counted_h * counted_w, 1));
      const start = -rows * columns * Field.i32(r, PoolField.a_zero);
      average_window(first, rows, columns, down, right, channels, start, factor, Field.i32(r, PoolField.c_zero), c);
    } else max_window(first, rows, columns, down, right, channels, c);
  }
}

/** Which taps, at `origin` + i · dilation for i < kernel, lie in 0 … size − 1. */
class Window {
  @inline static begin(origin: i32, dilation: i32): i32 {
    return origin < 0 ? (dilation - 1 - origin) / dilation : 0;
  }

  @inline static end(origin: i32, dilation: i32, kernel: i32, size: i32): i32 {
    return max(min(kernel, (size - origin + dilation - 1) / dilation), 0);
  }
}

function max_window(a: usize, rows: i32, columns: i32, down: i32, right: i32, channels: i32, c: usize): void {
  for (let n = channels; n > 0; n -= 16, a += 16, c += 16) {
    let largest = i8x16.splat(-128);
    let row = a;
    for (let i = 0; i < rows; i++, row += down) {
      let p = row;
      for (let j = 0; j < columns; j++, p += right) largest = i8x16.max_s(largest, Bytes.load(p, n));
    }
    Bytes.store(c, largest, n);
  }
}

function average_window(
  a: usize,
  rows: i32,
  columns: i32,
  down: i32,
  right: i32,
  channels: i32,
  start: i32,
  factor: f32,
  zero: i32,
  c: usize,
): void {
  for (let n = channels; n > 0; n -= 16, a += 16, c += 16) {
    let s0 = i32x4.splat(start);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let row = a;
    for (let i = 0; i < rows; i++, row += down) {
      let p = row;
      for (let j = 0; j < columns; j++, p += right) {
        const x = Bytes.load(p, n);
        const low = i16x8.extend_low_i8x16_s(x);
        const high = i16x8.extend_high_i8x16_s(x);
        s0 = i32x4.add(s0, i32x4.extend_low_i16x8_s(low));
        s1 = i32x4.add(s1, i32x4.extend_high_i16x8_s(low));
        s2 = i32x4.add(s2, i32x4.extend_low_i16x8_s(high));
        s3 = i32x4.add(s3, i32x4.extend_high_i16x8_s(high));
      }
    }
    Bytes.store(c, Requantize.sums(s0, s1, s2, s3, factor, zero), n);
  }
}
