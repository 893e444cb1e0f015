import * as simd from "../kernels/index";
import * as scalar from "../scalar/index";
import { PANEL_ROWS, QS8_NR, WINOGRAD_TILES } from "../shared/layout";
import { ConvField } from "../shared/plan";
import { allocate, bytes, floats, integers, record, SAME, seed, set, set_f32, twins } from "./harness";

function padded(channels: i32): i32 {
  return (channels + QS8_NR - 1) & ~(QS8_NR - 1);
}

/** A convolution's shape; the output's size follows from it. */
class Shape {
  batch: i32 = 1;
  h: i32 = 7;
  w: i32 = 9;
  in_c: i32 = 3;
  out_c: i32 = 18;
  groups: i32 = 1;
  kernel_h: i32 = 3;
  kernel_w: i32 = 3;
  stride_h: i32 = 1;
  stride_w: i32 = 1;
  dilation_h: i32 = 1;
  dilation_w: i32 = 1;
  top: i32 = 1;
  left: i32 = 1;
  bottom: i32 = 1;
  right: i32 = 1;
  biased: bool = true;
  floating: bool = false;
  dynamic: bool = false;
  a_zero: i32 = 11;
  c_zero: i32 = -7;
  scale: f32 = 0.002;
  w_lo: i32 = -127;
  a_lo: i32 = -128;
  a_hi: i32 = 127;

  get out_h(): i32 {
    return (this.h + this.top + this.bottom - (this.kernel_h - 1) * this.dilation_h - 1) / this.stride_h + 1;
  }

  get out_w(): i32 {
    return (this.w + this.left + this.right - (this.kernel_w - 1) * this.dilation_w - 1) / this.stride_w + 1;
  }

  get size(): i32 {
    return this.batch * this.out_h * this.out_w * this.out_c * (this.floating ? 4 : 1);
  }

  /** All but weights and scratch; `channels` is the length of the padded bias and scale. */
  record(channels: i32): usize {
    const r = record(ConvField.scratch + 1);
    set(r, ConvField.batch, this.batch);
    set(r, ConvField.in_h, this.h);
    set(r, ConvField.in_w, this.w);
    set(r, ConvField.in_c, this.in_c);
    set(r, ConvField.out_h, this.out_h);
    set(r, ConvField.out_w, this.out_w);
    set(r, ConvField.out_c, this.out_c);
    set(r, ConvField.kernel_h, this.kernel_h);
    set(r, ConvField.kernel_w, this.kernel_w);
    set(r, ConvField.stride_h, this.stride_h);
    set(r, ConvField.stride_w, this.stride_w);
    set(r, ConvField.dilation_h, this.dilation_h);
    set(r, ConvField.dilation_w, this.dilation_w);
    set(r, ConvField.pad_top, this.top);
    set(r, ConvField.pad_left, this.left);
    set(r, ConvField.groups, this.groups);
    set(r, ConvField.a, <i32>bytes(this.batch * this.h * this.w * this.in_c, this.a_lo, this.a_hi));
    if (this.biased) set(r, ConvField.bias, <i32>(this.floating ? floats(channels) : integers(channels, -5000, 5000)));
    set(r, ConvField.scale, <i32>floats(channels, 0, this.scale));
    set(r, ConvField.a_zero, this.a_zero);
    set(r, ConvField.c_zero, this.c_zero);
    if (this.floating) {
      set_f32(r, ConvField.lo, -3);
      set_f32(r, ConvField.hi, 4);
    } else {
      set(r, ConvField.lo, -110);
      set(r, ConvField.hi, 120);
    }
    set(r, ConvField.c_size, this.floating ? 4 : 1);
    if (this.dynamic) {
      const dynamic = allocate(8);
      store<f32>(dynamic, 0.37);
      store<i32>(dynamic, -77, 4);
      set(r, ConvField.dynamic, <i32>dynamic);
    }
    return r;
  }

  conv(): i32 {
    seed(this.in_c + this.out_c * 16 + this.kernel_h * 256);
    const channels = this.groups * padded(this.out_c / this.groups);
    const k = (this.kernel_h * this.kernel_w * this.in_c) / this.groups;
    const r = this.record(channels);
    set(r, ConvField.w, <i32>bytes(channels * ((k + 1) & ~1), -127, 127));
    // What an earlier layer left in scratch must not matter.
    const width = (this.out_w - 1) * this.stride_w + (this.kernel_w - 1) * this.dilation_w + 1;
    const ring = (this.kernel_h + 1) * width * (this.in_c / this.groups) * 2 + 4 * this.kernel_h;
    set(r, ConvField.scratch, <i32>bytes(PANEL_ROWS * ((k + 1) & ~1) * 2 + ring));
    return twins(r, ConvField.c, this.size, simd.qs8_conv, scalar.qs8_conv);
  }

  winograd(): i32 {
    seed(this.in_c + this.out_c * 16 + this.h * 256);
    const channels = padded(this.out_c);
    const r = this.record(channels);
    set(r, ConvField.w, <i32>bytes(channels * 9 * this.in_c, this.w_lo, 127));
    const across = (this.out_w + 1) >> 1;
    const tiles = min(WINOGRAD_TILES, (this.batch * ((this.out_h + 1) >> 1) * across + 3) & ~3);
    const ring = 5 * (2 * across + 2) * this.in_c * 2 + 16;
    set(r, ConvField.scratch, <i32>bytes(ring + 32 * (tiles * this.in_c + 8 * this.in_c + 16 * tiles) + 2048));
    return twins(r, ConvField.c, this.size, simd.qs8_winograd, scalar.qs8_winograd);
  }

  dwconv(): i32 {
    seed(this.in_c * 16 + this.kernel_h * 256);
    this.out_c = this.in_c;
    const taps = this.kernel_h * this.kernel_w;
    const r = this.record(padded(this.in_c));
    set(r, ConvField.w, <i32>bytes(padded(this.in_c) * ((taps + 1) & ~1), -127, 127));
    const width = (this.out_w - 1) * this.stride_w + (this.kernel_w - 1) * this.dilation_w + 1;
    const rows = (this.kernel_h + 1) * width * ((this.in_c + 7) & ~7) * 2;
    set(r, ConvField.scratch, <i32>bytes(rows + 4 * this.kernel_h + 4 * (taps + 1)));
    return twins(r, ConvField.c, this.size, simd.qs8_dwconv, scalar.qs8_dwconv);
  }
}

describe("qs8_conv", () => {
  test("gives the bits of its definition for every number of channels", () => {
    for (let channels = 0; channels < 20; channels++) {
      const shape = new Shape();
      shape.in_c = channels;
      expect<i32>(shape.conv()).toBe(SAME, "in");
      shape.in_c = 2;
      shape.out_c = channels + 1;
      expect<i32>(shape.conv()).toBe(SAME, "out");
    }
  });

  test("takes batches, strides, dilation, groups and padding of any kind", () => {
    const batch = new Shape();
    batch.batch = 3;
    batch.biased = false;
    expect<i32>(batch.conv()).toBe(SAME, "batch, no bias");
    const stride = new Shape();
    stride.stride_h = 2;
    stride.stride_w = 3;
    stride.top = 0;
    stride.left = 0;
    expect<i32>(stride.conv()).toBe(SAME, "strides, padding on one side");
    const dilated = new Shape();
    dilated.dilation_h = 2;
    dilated.dilation_w = 3;
    dilated.top = 2;
    dilated.left = 3;
    expect<i32>(dilated.conv()).toBe(SAME, "dilation");
    const grouped = new Shape();
    grouped.in_c = 10;
    grouped.out_c = 42;
    grouped.groups = 2;
    expect<i32>(grouped.conv()).toBe(SAME, "groups");
    grouped.biased = false;
    grouped.dilation_w = 2;
    expect<i32>(grouped.conv()).toBe(SAME, "groups and dilation, no bias");
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
    pointwise.in_c = 13;
    expect<i32>(pointwise.conv()).toBe(SAME, "plain");
    pointwise.stride_h = 2;
    expect<i32>(pointwise.conv()).toBe(SAME, "stride 2");
    pointwise.stride_h = 1;
    pointwise.groups = 5;
    pointwise.in_c = 10;
    pointwise.out_c = 15;
    expect<i32>(pointwise.conv()).toBe(SAME, "groups");
    pointwise.top = 1;
    expect<i32>(pointwise.conv()).toBe(SAME, "padded");
  });

  test("gives f32 outputs and agrees where everything saturates", () => {
    const shape = new Shape();
    shape.floating = true;
    expect<i32>(shape.conv()).toBe(SAME, "f32");
    shape.dynamic = true;
    shape.groups = 3;
    expect<i32>(shape.conv()).toBe(SAME, "f32, dynamic, groups");
    const saturated = new Shape();
    saturated.a_zero = -128;
    saturated.c_zero = 127;
    saturated.scale = 1000;
    expect<i32>(saturated.conv()).toBe(SAME);
  });
});

describe("qs8_winograd", () => {
  test("gives the bits of a convolution for every number of outputs and every size", () => {
    const shape = new Shape();
    shape.in_c = 8;
    for (let channels = 1; channels < 35; channels++) {
      shape.out_c = channels;
      expect<i32>(shape.winograd()).toBe(SAME, "out");
    }
    shape.in_c = 24;
    for (let h = 1; h < 8; h++)
      for (let w = 1; w < 8; w++) {
        shape.h = h;
        shape.w = w;
        expect<i32>(shape.winograd()).toBe(SAME, "size");
      }
  });

  test("takes batches, blocks of tiles, padding of any kind, no bias and f32 outputs", () => {
    const shape = new Shape();
    shape.in_c = 16;
    shape.batch = 3;
    shape.biased = false;
    expect<i32>(shape.winograd()).toBe(SAME, "batches that share a block of tiles, no bias");
    shape.h = 19;
    shape.w = 23;
    shape.batch = 1;
    expect<i32>(shape.winograd()).toBe(SAME, "many blocks");
    shape.top = 0;
    shape.left = 2;
    shape.bottom = 3;
    expect<i32>(shape.winograd()).toBe(SAME, "padding");
    shape.top = 5;
    expect<i32>(shape.winograd()).toBe(SAME, "windows wholly in the padding");
    shape.floating = true;
    expect<i32>(shape.winograd()).toBe(SAME, "f32, no bias");
    shape.biased = true;
    shape.dynamic = true;
    expect<i32>(shape.winograd()).toBe(SAME, "f32, dynamic");
  });

  test("is exact at the ends of its ranges", () => {
    const shape = new Shape();
    shape.h = 4;
    shape.w = 4;
    shape.in_c = 1840;
    shape.out_c = 8;
    shape.scale = 0.00001;
    shape.a_lo = 127;
    shape.a_zero = -128;
    shape.w_lo = 127;
    expect<i32>(shape.winograd()).toBe(SAME, "the largest accumulators");
    shape.a_zero = 127;
    shape.a_lo = -128;
    shape.a_hi = -128;
    expect<i32>(shape.winograd()).toBe(SAME, "the smallest accumulators");
  });
});

describe("qs8_dwconv", () => {
  test("gives the bits of its definition for every tail of channels", () => {
    for (let channels = 1; channels < 34; channels++) {
      const shape = new Shape();
      shape.in_c = channels;
      expect<i32>(shape.dwconv()).toBe(SAME, "3×3");
      shape.stride_w = 2;
      shape.biased = false;
      expect<i32>(shape.dwconv()).toBe(SAME, "stride 2, no bias");
      shape.dilation_h = 2;
      shape.floating = true;
      expect<i32>(shape.dwconv()).toBe(SAME, "dilation 2, f32");
      shape.biased = true;
      shape.dynamic = true;
      expect<i32>(shape.dwconv()).toBe(SAME, "dynamic");
    }
  });

  test("gives the bits of its definition for other windows", () => {
    const shape = new Shape();
    shape.in_c = 12;
    shape.batch = 2;
    shape.kernel_h = 5;
    shape.kernel_w = 2;
    shape.top = 0;
    shape.left = 2;
    expect<i32>(shape.dwconv()).toBe(SAME, "5×2, asymmetric padding");
    shape.kernel_h = 1;
    shape.kernel_w = 1;
    expect<i32>(shape.dwconv()).toBe(SAME, "1×1");
    shape.stride_h = 4;
    expect<i32>(shape.dwconv()).toBe(SAME, "rows that no window reads");
    shape.stride_h = 1;
    shape.kernel_h = 3;
    shape.kernel_w = 3;
    shape.h = 2;
    shape.w = 2;
    shape.top = 4;
    expect<i32>(shape.dwconv()).toBe(SAME, "windows wholly in the padding");
    shape.dilation_h = 3;
    shape.dilation_w = 3;
    shape.left = 9;
    shape.h = 9;
    shape.w = 4;
    expect<i32>(shape.dwconv()).toBe(SAME, "padding wider than the output");
  });

  test("keeps to its scratch where the input has columns that no window reads", () => {
    const shape = new Shape();
    shape.in_c = 8;
    shape.stride_w = 4;
    shape.left = 0;
    shape.right = 0;
    expect<i32>(shape.dwconv()).toBe(SAME);
  });

  test("agrees at the ends of its ranges", () => {
    const shape = new Shape();
    shape.in_c = 24;
    for (let zero = -128; zero <= 127; zero += 85) {
      shape.a_zero = zero;
      shape.c_zero = -1 - zero;
      expect<i32>(shape.dwconv()).toBe(SAME, "zero points");
    }
    shape.scale = 1000;
    expect<i32>(shape.dwconv()).toBe(SAME, "everything saturates");
  });
});
