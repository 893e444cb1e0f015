import * as simd from "../kernels/index";
import * as scalar from "../scalar/index";
import { LayerNormField, Pool, PoolField, Reduce, ReduceField, SoftmaxField } from "../shared/plan";
import { floats, record, SAME, seed, set, set_f32, twins } from "./harness";

function pool(kind: i32, channels: i32, kernel: i32, stride: i32, dilation: i32, pad: i32, include_pad: i32): i32 {
  seed(kind + channels * 3 + kernel * 40);
  const h = 8;
  const w = 11;
  const out_h = (h + pad + 1 - (kernel - 1) * dilation - 1) / stride + 2;
  const out_w = (w + pad + 1 - (kernel - 1) * dilation - 1) / stride + 1;
  const r = record(PoolField.scale + 1);
  set(r, PoolField.kind, kind);
  set(r, PoolField.batch, 2);
  set(r, PoolField.in_h, h);
  set(r, PoolField.in_w, w);
  set(r, PoolField.channels, channels);
  set(r, PoolField.out_h, out_h);
  set(r, PoolField.out_w, out_w);
  set(r, PoolField.kernel_h, kernel);
  set(r, PoolField.kernel_w, kernel);
  set(r, PoolField.stride_h, stride);
  set(r, PoolField.stride_w, stride);
  set(r, PoolField.dilation_h, dilation);
  set(r, PoolField.dilation_w, dilation);
  set(r, PoolField.pad_top, pad);
  set(r, PoolField.pad_left, pad);
  set(r, PoolField.pad_bottom, 1);
  set(r, PoolField.pad_right, 1);
  set(r, PoolField.include_pad, include_pad);
  set(r, PoolField.a, <i32>floats(2 * h * w * channels));
  return twins(r, PoolField.c, (2 * out_h * out_w * channels) << 2, simd.f32_pool, scalar.f32_pool);
}

function reduce(kind: i32, outer: i32, n: i32, inner: i32): i32 {
  seed(kind + outer * 10 + n * 100 + inner * 1000);
  const r = record(ReduceField.scale + 1);
  set(r, ReduceField.kind, kind);
  set(r, ReduceField.outer, outer);
  set(r, ReduceField.n, n);
  set(r, ReduceField.inner, inner);
  set(r, ReduceField.a, <i32>floats(outer * n * inner));
  return twins(r, ReduceField.c, (outer * inner) << 2, simd.f32_reduce, scalar.f32_reduce);
}

function softmax(rows: i32, n: i32, log: i32): i32 {
  seed(rows + n * 10 + log);
  const r = record(SoftmaxField.log + 1);
  set(r, SoftmaxField.rows, rows);
  set(r, SoftmaxField.n, n);
  set(r, SoftmaxField.log, log);
  set(r, SoftmaxField.a, <i32>floats(rows * n, -60, -40));
  return twins(r, SoftmaxField.c, (rows * n) << 2, simd.f32_softmax, scalar.f32_softmax);
}

function layernorm(rows: i32, n: i32, scaled: bool, biased: bool): i32 {
  seed(rows + n * 10);
  const r = record(LayerNormField.epsilon + 1);
  set(r, LayerNormField.rows, rows);
  set(r, LayerNormField.n, n);
  set(r, LayerNormField.a, <i32>floats(rows * n, -1, 5));
  set(r, LayerNormField.scale, scaled ? <i32>floats(n) : 0);
  set(r, LayerNormField.bias, biased ? <i32>floats(n) : 0);
  set_f32(r, LayerNormField.epsilon, 1e-5);
  return twins(r, LayerNormField.c, (rows * n) << 2, simd.f32_layernorm, scalar.f32_layernorm);
}

function rmsnorm(rows: i32, n: i32, scaled: bool): i32 {
  seed(rows + n * 10);
  const r = record(LayerNormField.epsilon + 1);
  set(r, LayerNormField.rows, rows);
  set(r, LayerNormField.n, n);
  set(r, LayerNormField.a, <i32>floats(rows * n, -1, 5));
  set(r, LayerNormField.scale, scaled ? <i32>floats(n) : 0);
  set_f32(r, LayerNormField.epsilon, 1e-5);
  return twins(r, LayerNormField.c, (rows * n) << 2, simd.f32_rmsnorm, scalar.f32_rmsnorm);
}

describe("f32_pool", () => {
  test("gives the bits of its definition, whatever part of a window is padding", () => {
    for (let channels = 1; channels < 10; channels++) {
      expect<i32>(pool(Pool.max, channels, 3, 2, 1, 1, 0)).toBe(SAME, "max 3×3");
      expect<i32>(pool(Pool.max, channels, 2, 1, 3, 2, 0)).toBe(SAME, "max, dilation 3");
      expect<i32>(pool(Pool.average, channels, 3, 2, 1, 2, 0)).toBe(SAME, "average without the padding");
      expect<i32>(pool(Pool.average, channels, 3, 2, 1, 2, 1)).toBe(SAME, "average with the padding");
      expect<i32>(pool(Pool.average, channels, 2, 3, 2, 3, 1)).toBe(SAME, "average, dilation 2");
    }
  });
});

describe("f32_reduce", () => {
  test("gives the bits of its definition for every kind and tail", () => {
    for (let kind: i32 = Reduce.mean; kind <= Reduce.prod; kind++) {
      for (let n = 1; n < 10; n++) {
        expect<i32>(reduce(kind, 3, n, 1)).toBe(SAME, "along rows");
        expect<i32>(reduce(kind, 2, 5, n)).toBe(SAME, "down columns");
      }
      expect<i32>(reduce(kind, 1, 1001, 1)).toBe(SAME, "a long row");
      expect<i32>(reduce(kind, 2, 49, 130)).toBe(SAME, "many columns");
    }
  });
});

describe("f32_softmax", () => {
  test("gives the bits of its definition for every tail", () => {
    for (let n = 1; n < 20; n++) {
      expect<i32>(softmax(3, n, 0)).toBe(SAME, "softmax");
      expect<i32>(softmax(3, n, 1)).toBe(SAME, "its logarithm");
    }
    expect<i32>(softmax(2, 1001, 0)).toBe(SAME, "long rows");
  });
});

describe("f32_layernorm", () => {
  test("gives the bits of its definition, with and without scale and bias", () => {
    for (let n = 1; n < 20; n++) {
      expect<i32>(layernorm(3, n, true, true)).toBe(SAME, "scale and bias");
      expect<i32>(layernorm(3, n, false, true)).toBe(SAME, "bias");
      expect<i32>(layernorm(3, n, true, false)).toBe(SAME, "scale");
      expect<i32>(layernorm(3, n, false, false)).toBe(SAME, "neither");
    }
  });
});

describe("f32_rmsnorm", () => {
  test("gives the bits of its definition, with and without scale", () => {
    for (let n = 1; n < 20; n++) {
      expect<i32>(rmsnorm(3, n, true)).toBe(SAME, "scale");
      expect<i32>(rmsnorm(3, n, false)).toBe(SAME, "none");
    }
  });
});
