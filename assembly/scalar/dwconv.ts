import { Field } from "../lib/record";
import { ConvField } from "../shared/plan";
import { F32 } from "./math";

/** Op `f32_dwconv`: each output is the sum over kernel row and column, in this order, from +0, without the padding; then bias, then clamp. */
export function f32_dwconv(r: usize): void {
  const batch = Field.i32(r, ConvField.batch);
  const out_h = Field.i32(r, ConvField.out_h);
  const out_w = Field.i32(r, ConvField.out_w);
  const channels = Field.i32(r, ConvField.in_c);
  const bias = Field.address(r, ConvField.bias);
  const lo = Field.f32(r, ConvField.lo);
  const hi = Field.f32(r, ConvField.hi);
  let c = Field.address(r, ConvField.c);
  for (let image = 0; image < batch; image++) {
    for (let y = 0; y < out_h; y++) {
      for (let x = 0; x < out_w; x++) {
        for (let channel = 0; channel < channels; channel++, c += 4) {
          const shift: f32 = bias ? load<f32>(bias + (channel << 2)) : 0;
          store<f32>(c, F32.clamp(dot(r, image, y, x, channel) + shift, lo, hi));
        }
      }
    }
  }
}

function dot(r: usize, image: i32, out_y: i32, out_x: i32, channel: i32): f32 {
  const in_h = Field.i32(r, ConvField.in_h);
  const in_w = Field.i32(r, ConvField.in_w);
  const channels = Field.i32(r, ConvField.in_c);
  const kernel_h = Field.i32(r, ConvField.kernel_h);
  const kernel_w = Field.i32(r, ConvField.kernel_w);
  const top = out_y * Field.i32(r, ConvField.stride_h) - Field.i32(r, ConvField.pad_top);
  const left = out_x * Field.i32(r, ConvField.stride_w) - Field.i32(r, ConvField.pad_left);
  const a = Field.address(r, ConvField.a);
  const w = Field.address(r, ConvField.w);
  let sum: f32 = 0;
  for (let ky = 0; ky < kernel_h; ky++) {
    const y = top + ky * Field.i32(r, ConvField.dilation_h);
    if (y < 0 || y >= in_h) continue;
    for (let kx = 0; kx < kernel_w; kx++) {
      const x = left + kx * Field.i32(r, ConvField.dilation_w);
      if (x < 0 || x >= in_w) continue;
      const at = ((image * in_h + y) * in_w + x) * channels + channel;
      sum += load<f32>(a + (at << 2)) * load<f32>(w + (((ky * kernel_w + kx) * channels + channel) << 2));
    }
  }
  return sum;
}
