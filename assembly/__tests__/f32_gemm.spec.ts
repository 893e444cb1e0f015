import * as simd from "../kernels/index";
import * as scalar from "../scalar/index";
import { F32_NR, PANEL_ROWS } from "../shared/layout";
import { ConvField, GemmField, PackField } from "../shared/plan";
import { allocate, floats, record, SAME, seed, set, set_f32, twins } from "./harness";

function panels(n: i32): i32 {
  return (n + F32_NR - 1) / F32_NR;
}

function gemm(m: i32, n: i32, k: i32, batch: i32 = 1, biased: bool = true, margin: i32 = 0): i32 {
  seed(m * 7 + n * 5 + k * 3 + batch);
  const r = record(GemmField.scratch + 1);
  const lda = k + margin;
  const ldc = n + margin;
  set(r, GemmField.batch, batch);
  set(r, GemmField.m, m);
  set(r, GemmField.n, n);
  set(r, GemmField.k, k);
  set(r, GemmField.a, <i32>floats(batch * m * lda));
  set(r, GemmField.lda, lda);
  set(r, GemmField.a_step, m * lda);
  set(r, GemmField.w, <i32>floats(batch * panels(n) * F32_NR * k));
  set(r, GemmField.w_step, panels(n) * F32_NR * k);
  set(r, GemmField.bias, biased ? <i32>floats(n) : 0);
  set(r, GemmField.ldc, ldc);
  set(r, GemmField.c_step, m * ldc);
  set_f32(r, GemmField.lo, -3);
  set_f32(r, GemmField.hi, 4);
  return twins(r, GemmField.c, (batch * m * ldc) << 2, simd.f32_gemm, scalar.f32_gemm);
}

/** A convolution's shape; the output's size follows from it. */
class Shape {
  batch: i32 = 1;
  h: i32 = 7;
  w: i32 = 9;
  in_c: i32 = 3;
  out_c: i32 = 10;
  groups: i32 = 1;
  kernel_h: i32 = 3;
  kernel_w: i32 = 3;
  stride: i32 = 1;
  dilation: i32 = 1;
  top: i32 = 1;
  left: i32 = 1;
  bottom: i32 = 1;
  right: i32 = 1;
  biased: bool = true;

  record(): usize {
    const r = record(ConvField.scratch + 1);
    const out_h = (this.h + this.top + this.bottom - (this.kernel_h - 1) * this.dilation - 1) / this.stride + 1;
    const out_w = (this.w + this.left + this.right - (this.kernel_w - 1) * this.dilation - 1) / this.stride + 1;
    set(r, ConvField.batch, this.batch);
    set(r, ConvField.in_h, this.h);
    set(r, ConvField.in_w, this.w);
    set(r, ConvField.in_c, this.in_c);
    set(r, ConvField.out_h, out_h);
    set(r, ConvField.out_w, out_w);
    set(r, ConvField.out_c, this.out_c);
    set(r, ConvField.kernel_h, this.kernel_h);
    set(r, ConvField.kernel_w, this.kernel_w);
    set(r, ConvField.stride_h, this.stride);
    set(r, ConvField.stride_w, this.stride);
    set(r, ConvField.dilation_h, this.dilation);
    set(r, ConvField.dilation_w, this.dilation);
    set(r, ConvField.pad_top, this.top);
    set(r, ConvField.pad_left, this.left);
    set(r, ConvField.groups, this.groups);
    set(r, ConvField.a, <i32>floats(this.batch * this.h * this.w * this.in_c));
    set(r, ConvField.bias, this.biased ? <i32>floats(this.out_c) : 0);
    set_f32(r, ConvField.lo, -2);
    set_f32(r, ConvField.hi, 6);
    this.size = (this.batch * out_h * out_w * this.out_c) << 2;
    return r;
  }

  size: i32 = 0;

  conv(): i32 {
    seed(this.in_c + this.out_c * 16 + this.kernel_h * 256);
    const r = this.record();
    const k = (this.kernel_h * this.kernel_w * this.in_c) / this.groups;
    set(r, ConvField.w, <i32>floats(this.groups * panels(this.out_c / this.groups) * F32_NR * k));
    set(r, ConvField.scratch, <i32>allocate((PANEL_ROWS * k) << 2));
    return twins(r, ConvField.c, this.size, simd.f32_conv, scalar.f32_conv);
  }

  dwconv(): i32 {
    seed(this.in_c * 16 + this.kernel_h * 256);
    this.out_c = this.in_c;
    const r = this.record();
    set(r, ConvField.w, <i32>floats(this.kernel_h * this.kernel_w * this.in_c));
    return twins(r, ConvField.c, this.size, simd.f32_dwconv, scalar.f32_dwconv);
  }
}

function pack(n: i32, k: i32, k_stride: i32, n_stride: i32): i32 {
  seed(n * 31 + k);
  const batch = 2;
  const size = panels(n) * F32_NR * k;
  const r = record(PackField.w_step + 1);
  set(r, PackField.batch, batch);
  set(r, PackField.n, n);
  set(r, PackField.k, k);
  set(r, PackField.b, <i32>floats(batch * k * n * 3));
  set(r, PackField.b_step, k * n + 1);
  set(r, PackField.k_stride, k_stride);
  set(r, PackField.n_stride, n_stride);
  set(r, PackField.w_step, size);
  return twins(r, PackField.w, (batch * size) << 2, simd.f32_pack, scalar.f32_pack);
}

describe("f32_gemm", () => {
  test("gives the bits of its definition for every tail", () => {
    for (let m = 1; m < 10; m++) for (let n = 1; n < 19; n++) expect<i32>(gemm(m, n, m + n)).toBe(SAME);
    expect<i32>(gemm(PANEL_ROWS + 3, 20, 5)).toBe(SAME, "two blocks of rows");
    expect<i32>(gemm(2 * PANEL_ROWS, 8, 33)).toBe(SAME, "whole blocks of rows");
    expect<i32>(gemm(1, 77, 40)).toBe(SAME, "a vector: panels by twos");
    expect<i32>(gemm(1, 38, 41)).toBe(SAME, "a vector, one panel left, an odd k");
  });

  test("takes batches, row strides and no bias", () => {
    expect<i32>(gemm(5, 11, 7, 3)).toBe(SAME, "batch");
    expect<i32>(gemm(5, 11, 7, 3, false)).toBe(SAME, "no bias");
    expect<i32>(gemm(6, 13, 9, 2, true, 5)).toBe(SAME, "rows with gaps, left untouched");
    expect<i32>(gemm(1, 40, 9, 2, false)).toBe(SAME, "vectors without bias");
  });
});

describe("f32_pack", () => {
  test("gives the bits of its definition from either order", () => {
    for (let n = 1; n < 18; n++) {
      for (let k = 1; k < 10; k++) {
        expect<i32>(pack(n, k, n, 1)).toBe(SAME, "k-major");
        expect<i32>(pack(n, k, 1, k)).toBe(SAME, "n-major");
        expect<i32>(pack(n, k, 2 * n, 2)).toBe(SAME, "strided");
      }
    }
  });
});

describe("f32_conv", () => {
  test("gives the bits of its definition", () => {
    const plain = new Shape();
    expect<i32>(plain.conv()).toBe(SAME, "3×3");
    const batch = new Shape();
    batch.batch = 3;
    batch.biased = false;
    expect<i32>(batch.conv()).toBe(SAME, "batch, no bias");
    const stride = new Shape();
    stride.stride = 2;
    stride.top = 0;
    stride.left = 0;
    expect<i32>(stride.conv()).toBe(SAME, "stride 2, padding on one side");
    const dilated = new Shape();
    dilated.dilation = 2;
    dilated.top = 2;
    dilated.left = 3;
    expect<i32>(dilated.conv()).toBe(SAME, "dilation 2");
    const grouped = new Shape();
    grouped.in_c = 6;
    grouped.out_c = 22;
    grouped.groups = 2;
    expect<i32>(grouped.conv()).toBe(SAME, "groups");
    const tall = new Shape();
    tall.kernel_h = 5;
    tall.kernel_w = 1;
    tall.left = 0;
    tall.in_c = 4;
    expect<i32>(tall.conv()).toBe(SAME, "5×1");
    const beyond = new Shape();
    beyond.h = 2;
    beyond.w = 1;
    beyond.top = 3;
    beyond.left = 4;
    expect<i32>(beyond.conv()).toBe(SAME, "windows wholly in the padding");
  });

  test("gives the bits of its definition for pointwise layers", () => {
    const pointwise = new Shape();
    pointwise.kernel_h = 1;
    pointwise.kernel_w = 1;
    pointwise.top = 0;
    pointwise.left = 0;
    pointwise.bottom = 0;
    pointwise.right = 0;
    pointwise.batch = 2;
    expect<i32>(pointwise.conv()).toBe(SAME, "plain");
    pointwise.stride = 2;
    expect<i32>(pointwise.conv()).toBe(SAME, "stride 2");
    pointwise.stride = 1;
    pointwise.groups = 5;
    pointwise.in_c = 10;
    pointwise.out_c = 15;
    expect<i32>(pointwise.conv()).toBe(SAME, "groups");
    pointwise.top = 1;
    expect<i32>(pointwise.conv()).toBe(SAME, "padded");
  });
});

describe("f32_dwconv", () => {
  test("gives the bits of its definition for every tail of channels", () => {
    for (let channels = 1; channels < 14; channels++) {
      const shape = new Shape();
      shape.in_c = channels;
      expect<i32>(shape.dwconv()).toBe(SAME, "3×3");
      shape.stride = 2;
      shape.biased = false;
      expect<i32>(shape.dwconv()).toBe(SAME, "stride 2, no bias");
      shape.dilation = 2;
      expect<i32>(shape.dwconv()).toBe(SAME, "dilation 2");
    }
  });

  test("gives the bits of its definition for other windows", () => {
    const shape = new Shape();
    shape.in_c = 6;
    shape.batch = 2;
    shape.kernel_h = 5;
    shape.kernel_w = 2;
    shape.top = 0;
    shape.left = 2;
    expect<i32>(shape.dwconv()).toBe(SAME, "5×2, asymmetric padding");
    shape.kernel_h = 3;
    shape.kernel_w = 3;
    shape.h = 2;
    shape.w = 2;
    shape.top = 4;
    expect<i32>(shape.dwconv()).toBe(SAME, "windows wholly in the padding");
    shape.dilation = 3;
    shape.left = 4;
    shape.h = 9;
    shape.w = 4;
    expect<i32>(shape.dwconv()).toBe(SAME, "dilation wider than the padding");
  });
});
