import { Field } from "../lib/record";
import { F32_NR, PANEL_ROWS } from "../shared/layout";
import { ConvField } from "../shared/plan";
import { f32_matrix } from "./gemm";
import { Lanes } from "./lanes";

/**
 * Op `f32_conv`: a matrix product per group. Pointwise layers read their input as the matrix that it is; of others, up to PANEL_ROWS
 * output pixels at a time are gathered in `scratch` (im2col), PANEL_ROWS · kernel_h · kernel_w · in_c / groups floats.
 */
export function f32_conv(r: usize): void {
  const groups = Field.i32(r, ConvField.groups);
  const in_c = Field.i32(r, ConvField.in_c);
  const out_c = Field.i32(r, ConvField.out_c);
  const taps = Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w);
  const depth = in_c / groups;
  const n = out_c / groups;
  const k = taps * depth;
  const pixels = Field.i32(r, ConvField.batch) * Field.i32(r, ConvField.out_h) * Field.i32(r, ConvField.out_w);
  const direct = is_matrix(r);
  const step = direct ? pixels : PANEL_ROWS;
  const scratch = Field.address(r, ConvField.scratch);
  const lo = Field.f32(r, ConvField.lo);
  const hi = Field.f32(r, ConvField.hi);
  let a = Field.address(r, ConvField.a);
  let w = Field.address(r, ConvField.w);
  let bias = Field.address(r, ConvField.bias);
  let c = Field.address(r, ConvField.c);
  for (let group = 0; group < groups; group++) {
    for (let first = 0; first < pixels; first += step) {
      const rows = min(step, pixels - first);
      if (!direct) f32_im2col(r, a, first, rows, scratch);
      f32_matrix(rows, n, k, direct ? a : scratch, direct ? in_c : k, w, bias, c + ((first * out_c) << 2), out_c, lo, hi);
    }
    a += depth << 2;
    w += (((n + F32_NR - 1) / F32_NR) * F32_NR * k) << 2;
    if (bias) bias += n << 2;
    c += n << 2;
  }
}

/** Whether every output pixel reads the input pixel of the same number, and that alone. */
function is_matrix(r: usize): bool {
  return (
    Field.i32(r, ConvField.kernel_h) === 1 &&
    Field.i32(r, ConvField.kernel_w) === 1 &&
    Field.i32(r, ConvField.stride_h) === 1 &&
    Field.i32(r, ConvField.stride_w) === 1 &&
    Field.i32(r, ConvField.in_h) === Field.i32(r, ConvField.out_h) &&
    Field.i32(r, ConvField.in_w) === Field.i32(r, ConvField.out_w) &&
    Field.i32(r, ConvField.pad_top) === 0 &&
    Field.i32(r, ConvField.pad_left) === 0
  );
}

/** Gathers what output pixels `first` to `first + rows` read: one row [kernel_h][kernel_w][depth] each, 0 where the kernel is in the padding. */
export function f32_im2col(r: usize, a: usize, first: i32, rows: i32, scratch: usize): void {
  const in_h = Field.i32(r, ConvField.in_h);
  const in_w = Field.i32(r, ConvField.in_w);
  const in_c = Field.i32(r, ConvField.in_c);
  const out_h = Field.i32(r, ConvField.out_h);
  const out_w = Field.i32(r, ConvField.out_w);
  const kernel_h = Field.i32(r, ConvField.kernel_h);
  const kernel_w = Field.i32(r, ConvField.kernel_w);
  const stride_h = Field.i32(r, ConvField.stride_h);
  const stride_w = Field.i32(r, ConvField.stride_w);
  const dilation_h = Field.i32(r, ConvField.dilation_h);
  const dilation_w = Field.i32(r, ConvField.dilation_w);
  const pad_top = Field.i32(r, ConvField.pad_top);
  const pad_left = Field.i32(r, ConvField.pad_left);
  const depth = in_c / Field.i32(r, ConvField.groups);
  const dense = depth === in_c && dilation_w === 1;
  const line = first / out_w;
  let out_x = first % out_w;
  let out_y = line % out_h;
  let image = a + (((line / out_h) * in_h * in_w * in_c) << 2);
  for (; rows > 0; rows--) {
    const top = out_y * stride_h - pad_top;
    const left = out_x * stride_w - pad_left;
    for (let ky = 0; ky < kernel_h; ky++) {
      const y = top + ky * dilation_h;
      const inside = y >= 0 && y < in_h;
      const from = image + <isize>(((y * in_w + left) * in_c) << 2);
      if (inside && dense && left >= 0 && left + kernel_w <= in_w) {
        scratch = Copy.floats(scratch, from, kernel_w * depth);
        continue;
      }
      for (let kx = 0; kx < kernel_w; kx++) {
        const x = left + kx * dilation_w;
        if (inside && x >= 0 && x < in_w) scratch = Copy.floats(scratch, from + <isize>((kx * dilation_w * in_c) << 2), depth);
        else scratch = Copy.zeros(scratch, depth);
      }
    }
    if (++out_x < out_w) continue;
    out_x = 0;
    if (++out_y < out_h) continue;
    out_y = 0;
    image += (in_h * in_w * in_c) << 2;
  }
}

/** Short runs, for which `memory.copy` costs more than it moves. Both return the address after the last element written. */
class Copy {
  @inline static floats(to: usize, from: usize, n: i32): usize {
    const end = to + (n << 2);
    if (n >= 4) {
      // The last vector overlaps those before it.
      const rest = from + ((n - 4) << 2);
      for (; from < rest; to += 16, from += 16) v128.store(to, v128.load(from));
      v128.store(end - 16, v128.load(rest));
    } else for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(from));
    return end;
  }

  @inline static zeros(to: usize, n: i32): usize {
    const end = to + (n << 2);
    for (; n > 0; n -= 4, to += 16) Lanes.store(to, f32x4.splat(0), n);
    return end;
  }
}
