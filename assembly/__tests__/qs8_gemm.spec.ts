import * as simd from "../kernels/index";
import * as scalar from "../scalar/index";
import { PANEL_ROWS, QS8_NR } from "../shared/layout";
import { GemmField } from "../shared/plan";
import { allocate, bytes, floats, integers, record, SAME, seed, set, set_f32, twins } from "./harness";

/** A matrix product with i8 outputs unless the test says otherwise. */
class Product {
  batch: i32 = 1;
  margin: i32 = 0;
  biased: bool = true;
  floating: bool = false;
  dynamic: bool = false;
  a_lo: i32 = -128;
  a_hi: i32 = 127;
  w_lo: i32 = -127;
  w_hi: i32 = 127;
  a_zero: i32 = 3;
  c_zero: i32 = -5;
  lo: i32 = -128;
  hi: i32 = 127;
  scale: f32 = 0.001;

  check(m: i32, n: i32, k: i32): i32 {
    seed(m * 7 + n * 5 + k * 3 + this.batch);
    const padded = (n + QS8_NR - 1) & ~(QS8_NR - 1);
    const panels = padded * ((k + 1) & ~1);
    const size = this.floating ? 4 : 1;
    const lda = k + this.margin;
    const ldc = n + this.margin;
    const r = record(GemmField.scratch + 1);
    set(r, GemmField.batch, this.batch);
    set(r, GemmField.m, m);
    set(r, GemmField.n, n);
    set(r, GemmField.k, k);
    set(r, GemmField.a, <i32>bytes(this.batch * m * lda, this.a_lo, this.a_hi));
    set(r, GemmField.lda, lda);
    set(r, GemmField.a_step, m * lda);
    set(r, GemmField.w, <i32>bytes(this.batch * panels, this.w_lo, this.w_hi));
    set(r, GemmField.w_step, panels);
    if (this.biased) set(r, GemmField.bias, <i32>(this.floating ? floats(padded) : integers(padded, -5000, 5000)));
    set(r, GemmField.scale, <i32>floats(padded, 0, this.scale));
    set(r, GemmField.ldc, ldc);
    set(r, GemmField.c_step, m * ldc);
    if (this.floating) {
      set_f32(r, GemmField.lo, -3);
      set_f32(r, GemmField.hi, 4);
    } else {
      set(r, GemmField.lo, this.lo);
      set(r, GemmField.hi, this.hi);
    }
    set(r, GemmField.a_zero, this.a_zero);
    set(r, GemmField.c_zero, this.c_zero);
    set(r, GemmField.c_size, size);
    if (this.dynamic) {
      const dynamic = allocate(8);
      store<f32>(dynamic, 0.37);
      store<i32>(dynamic, -77, 4);
      set(r, GemmField.dynamic, <i32>dynamic);
    }
    // What an earlier layer left in scratch must not matter; where there is nothing to widen, there is none.
    if (k > 0) set(r, GemmField.scratch, <i32>bytes(min(m, PANEL_ROWS) * ((k + 1) & ~1) * 2));
    return twins(r, GemmField.c, this.batch * m * ldc * size, simd.qs8_gemm, scalar.qs8_gemm);
  }
}

describe("qs8_gemm", () => {
  test("gives the bits of its definition for every tail", () => {
    const product = new Product();
    for (let m = 1; m < 6; m++) for (let n = 1; n < 35; n++) expect<i32>(product.check(m, n, m + n)).toBe(SAME);
    for (let k = 0; k < 20; k++) expect<i32>(product.check(3, 18, k)).toBe(SAME);
    expect<i32>(product.check(PANEL_ROWS + 3, 20, 5)).toBe(SAME, "two blocks of rows");
    expect<i32>(product.check(2 * PANEL_ROWS, 16, 33)).toBe(SAME, "whole blocks of rows");
    expect<i32>(product.check(1, 77, 300)).toBe(SAME, "a vector");
  });

  test("takes batches, row strides and no bias", () => {
    const product = new Product();
    product.batch = 3;
    expect<i32>(product.check(5, 11, 7)).toBe(SAME, "batch");
    product.biased = false;
    expect<i32>(product.check(5, 40, 7)).toBe(SAME, "no bias");
    product.margin = 5;
    expect<i32>(product.check(6, 13, 9)).toBe(SAME, "rows with gaps, left untouched");
  });

  test("gives f32 outputs with the bits of their definition, for fixed and for run-time grids", () => {
    const product = new Product();
    product.floating = true;
    for (let n = 1; n < 35; n++) expect<i32>(product.check(5, n, 9)).toBe(SAME);
    product.margin = 2;
    product.biased = false;
    expect<i32>(product.check(4, 21, 10)).toBe(SAME, "no bias");
    product.dynamic = true;
    expect<i32>(product.check(4, 21, 10)).toBe(SAME, "dynamic, no bias");
    product.biased = true;
    for (let n = 1; n < 20; n++) expect<i32>(product.check(1, n, 64)).toBe(SAME, "dynamic");
  });

  test("agrees at the ends of its ranges", () => {
    const product = new Product();
    for (let zero = -128; zero <= 127; zero += 85) {
      product.a_zero = zero;
      product.c_zero = -1 - zero;
      expect<i32>(product.check(5, 19, 31)).toBe(SAME, "zero points");
    }
    product.lo = -20;
    product.hi = 33;
    expect<i32>(product.check(5, 19, 31)).toBe(SAME, "fused activation");
    product.scale = 1000;
    expect<i32>(product.check(5, 19, 31)).toBe(SAME, "everything saturates");
    product.scale = 1e30;
    expect<i32>(product.check(5, 19, 31)).toBe(SAME, "beyond what an f32 rounds");
    product.a_zero = 127;
    product.a_hi = -128;
    product.w_hi = -127;
    product.scale = 1e-6;
    product.lo = -128;
    product.hi = 127;
    expect<i32>(product.check(1, 17, 33000)).toBe(SAME, "the largest accumulators");
    product.w_lo = 127;
    product.w_hi = 127;
    expect<i32>(product.check(1, 17, 33000)).toBe(SAME, "the smallest accumulators");
  });

  test("rounds ties to even", () => {
    for (let a = -9; a < 10; a++) {
      const r = record(GemmField.scratch + 1);
      const ones = allocate(64);
      memory.fill(ones, 1, 64);
      const scale = allocate(64);
      for (let i = 0; i < 16; i++) store<f32>(scale + (i << 2), 0.5);
      set(r, GemmField.batch, 1);
      set(r, GemmField.m, 1);
      set(r, GemmField.n, 1);
      set(r, GemmField.k, 1);
      set(r, GemmField.a, <i32>bytes(1, a, a));
      set(r, GemmField.w, <i32>ones);
      set(r, GemmField.scale, <i32>scale);
      set(r, GemmField.lo, -128);
      set(r, GemmField.hi, 127);
      set(r, GemmField.c_size, 1);
      set(r, GemmField.scratch, <i32>allocate(4));
      const c = allocate(1);
      set(r, GemmField.c, <i32>c);
      simd.qs8_gemm(r);
      expect<i32>(load<i8>(c)).toBe(<i32>nearest(<f32>a / 2));
    }
  });
});
