import { Field } from "../lib/record";
import { Window } from "../lib/window";
import { Pool, PoolField } from "../shared/plan";

/** Op `f32_pool`: sums run over window row and column, in this order, from +0. A window without elements gives −∞ or 0. */
export function f32_pool(r: usize): void {
  const batch = Field.i32(r, PoolField.batch);
  const out_h = Field.i32(r, PoolField.out_h);
  const out_w = Field.i32(r, PoolField.out_w);
  const channels = Field.i32(r, PoolField.channels);
  let c = Field.address(r, PoolField.c);
  for (let image = 0; image < batch; image++) {
    for (let y = 0; y < out_h; y++) {
      for (let x = 0; x < out_w; x++) {
        for (let channel = 0; channel < channels; channel++, c += 4) store<f32>(c, window(r, image, y, x, channel));
      }
    }
  }
}

function window(r: usize, image: i32, out_y: i32, out_x: i32, channel: i32): f32 {
  const in_h = Field.i32(r, PoolField.in_h);
  const in_w = Field.i32(r, PoolField.in_w);
  const channels = Field.i32(r, PoolField.channels);
  const kernel_h = Field.i32(r, PoolField.kernel_h);
  const kernel_w = Field.i32(r, PoolField.kernel_w);
  const dilation_h = Field.i32(r, PoolField.dilation_h);
  const dilation_w = Field.i32(r, PoolField.dilation_w);
  const top = out_y * Field.i32(r, PoolField.stride_h) - Field.i32(r, PoolField.pad_top);
  const left = out_x * Field.i32(r, PoolField.stride_w) - Field.i32(r, PoolField.pad_left);
  const a = Field.address(r, PoolField.a);
  const largest = Field.i32(r, PoolField.kind) === Pool.max;
  let y: f32 = largest ? -Infinity : 0;
  let count = 0;
  for (let ky = 0; ky < kernel_h; ky++) {
    const iy = top + ky * dilation_h;
    if (iy < 0 || iy >= in_h) continue;
    for (let kx = 0; kx < kernel_w; kx++) {
      const ix = left + kx * dilation_w;
      if (ix < 0 || ix >= in_w) continue;
      const x = load<f32>(a + ((((image * in_h + iy) * in_w + ix) * channels + channel) << 2));
      y = largest ? max<f32>(y, x) : y + x;
      count++;
    }
  }
  if (largest) return y;
  if (Field.i32(r, PoolField.include_pad)) {
    const rows = Window.end(top, in_h + Field.i32(r, PoolField.pad_bottom), kernel_h, dilation_h);
    const columns = Window.end(left, in_w + Field.i32(r, PoolField.pad_right), kernel_w, dilation_w);
    count = rows * columns;
  }
  return y / <f32>max(count, 1);
}
