import { Field } from "../lib/record";
import { F32_NR } from "../shared/layout";
import { ConvField } from "../shared/plan";
import { F32 } from "./math";

/** Op `f32_conv`: each output is the sum over kernel row, kernel column and channel, in this order, from +0; then bias, then clamp. */
export function f32_conv(r: usize): void {
  const batch = Field.i32(r, ConvField.batch);
  const out_h = Field.i32(r, ConvField.out_h);
  const out_w = Field.i32(r, ConvField.out_w);
  const out_c = Field.i32(r, ConvField.out_c);
  const bias = Field.address(r, ConvField.bias);
  const lo = Field.f32(r, ConvField.lo);
  const hi = Field.f32(r, ConvField.hi);
  let c = Field.address(r, ConvField.c);
  for (let image = 0; image < batch; image++) {
    for (let y = 0; y < out_h; y++) {
      for (let x = 0; x < out_w; x++) {
        for (let channel = 0; channel < out_c; channel++, c += 4) {
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
  const in_c = Field.i32(r, ConvField.in_c);
  const kernel_h = Field.i32(r, ConvField.kernel_h);
  const kernel_w = Field.i32(r, ConvField.kernel_w);
  const dilation_h = Field.i32(r, ConvField.dilation_h);
  const dilation_w = Field.i32(r, ConvField.dilation_w);
  const groups = Field.i32(r, ConvField.groups);
  const depth = in_c / groups;
  const n = Field.i32(r, ConvField.out_c) / groups;
  const k = kernel_h * kernel_w * depth;
  const group = channel / n;
  const j = channel % n;
  const panels = (n + F32_NR - 1) / F32_NR;
  const w = Field.address(r, ConvField.w) + (((group * panels + j / F32_NR) * k * F32_NR + (j % F32_NR)) << 2);
  const top = out_y * Field.i32(r, ConvField.stride_h) - Field.i32(r, ConvField.pad_top);
  const left = out_x * Field.i32(r, ConvField.stride_w) - Field.i32(r, ConvField.pad_left);
  let sum: f32 = 0;
  for (let ky = 0; ky < kernel_h; ky++) {
    const y = top + ky * dilation_h;
    if (y < 0 || y >= in_h) continue;
    for (let kx = 0; kx < kernel_w; kx++) {
      const x = left + kx * dilation_w;
      if (x < 0 || x >= in_w) continue;
      const a = Field.address(r, ConvField.a) + ((((image * in_h + y) * in_w + x) * in_c + group * depth) << 2);
      const tap = w + (((ky * kernel_w + kx) * depth * F32_NR) << 2);
      for (let i = 0; i < depth; i++) sum += load<f32>(a + (i << 2)) * load<f32>(tap + ((i * F32_NR) << 2));
    }
  }
  return sum;
}
