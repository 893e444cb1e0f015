import * as simd from "../kernels/index";
import * as scalar from "../scalar/index";
import { Pool, PoolField, ReduceField } from "../shared/plan";
import { bytes, random, record, SAME, seed, set, set_f32, twins } from "./harness";

/** A whole number in lo..hi. */
function pick(lo: i32, hi: i32): i32 {
  return lo + <i32>(random() % <u32>(hi - lo + 1));
}

function mean(outer: i32, n: i32, inner: i32, a_zero: i32 = 9, c_zero: i32 = -3, gain: f32 = 1): i32 {
  seed(outer + n * 16 + inner * 256);
  const r = record(ReduceField.scale + 1);
  set(r, ReduceField.outer, outer);
  set(r, ReduceField.n, n);
  set(r, ReduceField.inner, inner);
  set(r, ReduceField.a, <i32>bytes(outer * n * inner));
  set(r, ReduceField.a_zero, a_zero);
  set(r, ReduceField.c_zero, c_zero);
  set_f32(r, ReduceField.scale, gain / <f32>n);
  return twins(r, ReduceField.c, outer * inner, simd.qs8_reduce_mean, scalar.qs8_reduce_mean);
}

/** A pooling of seeded shape; padding may hold whole windows, and the last windows may begin in it. */
function pool(kind: i32, channels: i32, include_pad: bool): i32 {
  seed(kind + channels * 4 + (include_pad ? 2 : 0));
  const r = record(PoolField.scale + 1);
  for (let axis = 0; axis < 2; axis++) {
    const size = pick(2, 9);
    const kernel = pick(1, 4);
    const stride = pick(1, 3);
    const dilation = pick(1, 2);
    const before = pick(0, 4);
    const after = pick(0, 4);
    const span = max(size + before + after - dilation * (kernel - 1) - 1, 0);
    set(r, axis ? PoolField.in_w : PoolField.in_h, size);
    set(r, axis ? PoolField.kernel_w : PoolField.kernel_h, kernel);
    set(r, axis ? PoolField.stride_w : PoolField.stride_h, stride);
    set(r, axis ? PoolField.dilation_w : PoolField.dilation_h, dilation);
    set(r, axis ? PoolField.pad_left : PoolField.pad_top, before);
    set(r, axis ? PoolField.pad_right : PoolField.pad_bottom, after);
    set(r, axis ? PoolField.out_w : PoolField.out_h, (span + stride - 1) / stride + 1);
  }
  set(r, PoolField.kind, kind);
  set(r, PoolField.batch, 2);
  set(r, PoolField.channels, channels);
  set(r, PoolField.include_pad, include_pad ? 1 : 0);
  set(r, PoolField.a_zero, pick(-128, 127));
  set(r, PoolField.c_zero, pick(-128, 127));
  set_f32(r, PoolField.scale, 1.1);
  const plane = load<i32>(r + (PoolField.in_h << 2)) * load<i32>(r + (PoolField.in_w << 2));
  const outputs = load<i32>(r + (PoolField.out_h << 2)) * load<i32>(r + (PoolField.out_w << 2));
  set(r, PoolField.a, <i32>bytes(2 * plane * channels));
  return twins(r, PoolField.c, 2 * outputs * channels, simd.qs8_pool, scalar.qs8_pool);
}

describe("qs8_reduce_mean", () => {
  test("gives the bits of its definition along rows and along columns", () => {
    for (let n = 1; n < 36; n++) expect<i32>(mean(3, n, 1)).toBe(SAME, "rows");
    for (let inner = 2; inner < 36; inner++) expect<i32>(mean(2, 7, inner)).toBe(SAME, "columns");
    expect<i32>(mean(1, 3136, 17)).toBe(SAME, "a large plane");
  });

  test("agrees at the ends of its ranges", () => {
    expect<i32>(mean(2, 49, 20, -128, 127)).toBe(SAME);
    expect<i32>(mean(2, 49, 20, 127, -128)).toBe(SAME);
    expect<i32>(mean(2, 49, 1, 127, -128, 1e9)).toBe(SAME, "everything saturates");
  });
});

describe("qs8_pool", () => {
  test("gives the bits of its definition for the maximum", () => {
    for (let channels = 1; channels < 60; channels++) expect<i32>(pool(Pool.max, channels, false)).toBe(SAME);
  });

  test("gives the bits of its definition for the average, with and without padding", () => {
    for (let channels = 1; channels < 60; channels++) {
      expect<i32>(pool(Pool.average, channels, false)).toBe(SAME, "elements inside");
      expect<i32>(pool(Pool.average, channels, true)).toBe(SAME, "with padding");
    }
  });
});
