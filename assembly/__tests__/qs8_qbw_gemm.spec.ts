import * as simd from "../kernels/index";
import * as scalar from "../scalar/index";
import { PANEL_ROWS, QS8_NR } from "../shared/layout";
import { BlockGemmField } from "../shared/plan";
import { bytes, floats, record, SAME, seed, set, set_f32, twins } from "./harness";

/** A matrix product of f32 rows with nibbles unless the test says otherwise. */
class Product {
  bits: i32 = 4;
  zeros: bool = false;
  biased: bool = true;
  on_grid: bool = false;
  quantized: bool = false;
  a_lo: f32 = -2;
  a_hi: f32 = 3;
  a_zero: i32 = 3;
  c_zero: i32 = -5;
  factor: f32 = 0.02;

  check(m: i32, n: i32, k: i32, block: i32): i32 {
    seed(m * 7 + n * 5 + k * 3 + block);
    const padded = (n + QS8_NR - 1) & ~(QS8_NR - 1);
    const k8 = (k + 7) & ~7;
    const blocks = (k + block - 1) / block;
    const rows = min((m + 3) & ~3, PANEL_ROWS);
    const r = record(BlockGemmField.scratch + 1);
    set(r, BlockGemmField.m, m);
    set(r, BlockGemmField.n, n);
    set(r, BlockGemmField.k, k);
    set(r, BlockGemmField.block, block);
    set(r, BlockGemmField.bits, this.bits);
    set(r, BlockGemmField.a, <i32>(this.on_grid ? bytes(m * k) : floats(m * k, this.a_lo, this.a_hi)));
    set(r, BlockGemmField.a_size, this.on_grid ? 1 : 4);
    set(r, BlockGemmField.w, <i32>bytes(this.bits === 4 ? (padded * k8) >> 1 : padded * k8));
    if (this.zeros) set(r, BlockGemmField.zeros, <i32>bytes(padded * blocks, 0, 15));
    set(r, BlockGemmField.scale, <i32>floats(padded * blocks, 0.001, 0.1));
    if (this.biased) set(r, BlockGemmField.bias, <i32>floats(padded));
    set_f32(r, BlockGemmField.factor, this.factor);
    set(r, BlockGemmField.a_zero, this.a_zero);
    set(r, BlockGemmField.c_zero, this.c_zero);
    set(r, BlockGemmField.c_size, this.quantized ? 1 : 4);
    if (this.quantized) {
      set(r, BlockGemmField.lo, -100);
      set(r, BlockGemmField.hi, 90);
    } else {
      set_f32(r, BlockGemmField.lo, -30);
      set_f32(r, BlockGemmField.hi, 40);
    }
    // What an earlier layer left in scratch must not matter.
    const scratch = rows * k8 * 2 + PANEL_ROWS * 4 + 32 * blocks + 16 * block + 64 * rows;
    set(r, BlockGemmField.scratch, <i32>bytes(scratch));
    return twins(r, BlockGemmField.c, m * n * (this.quantized ? 1 : 4), simd.qs8_qbw_gemm, scalar.qs8_qbw_gemm);
  }
}

describe("qs8_qbw_gemm", () => {
  test("gives the bits of its definition for every tail", () => {
    const product = new Product();
    for (let m = 1; m < 7; m++) for (let n = 1; n < 35; n++) expect<i32>(product.check(m, n, m + n, 8)).toBe(SAME);
    for (let k = 1; k < 50; k++) {
      expect<i32>(product.check(1, 18, k, 16)).toBe(SAME);
      expect<i32>(product.check(5, 18, k, 16)).toBe(SAME);
    }
    expect<i32>(product.check(PANEL_ROWS + 3, 20, 70, 32)).toBe(SAME, "two blocks of rows, the second of few");
    expect<i32>(product.check(2 * PANEL_ROWS, 16, 64, 64)).toBe(SAME, "whole blocks of rows");
    expect<i32>(product.check(1, 77, 600, 256)).toBe(SAME, "a vector");
  });

  test("takes zero points, no bias, and weights of 8 bits", () => {
    const product = new Product();
    product.zeros = true;
    for (let n = 1; n < 35; n++) {
      expect<i32>(product.check(2, n, 40, 16)).toBe(SAME, "zero points, few rows");
      expect<i32>(product.check(4, n, 40, 16)).toBe(SAME, "zero points");
    }
    product.biased = false;
    expect<i32>(product.check(2, 21, 40, 16)).toBe(SAME, "no bias");
    product.bits = 8;
    product.zeros = false;
    for (let n = 1; n < 35; n++) expect<i32>(product.check(1, n, 37, 8)).toBe(SAME, "bytes, a vector");
    for (let m = 3; m < 9; m++) expect<i32>(product.check(m, 23, 37, 8)).toBe(SAME, "bytes");
  });

  test("takes inputs on a fixed grid, and writes to one", () => {
    const product = new Product();
    product.on_grid = true;
    for (let zero = -128; zero <= 127; zero += 85) {
      product.a_zero = zero;
      product.c_zero = -1 - zero;
      product.quantized = false;
      expect<i32>(product.check(1, 19, 37, 16)).toBe(SAME, "f32 outputs of a vector");
      expect<i32>(product.check(6, 19, 37, 16)).toBe(SAME, "f32 outputs");
      product.quantized = true;
      for (let n = 1; n < 35; n++) expect<i32>(product.check(5, n, 21, 8)).toBe(SAME, "i8 outputs");
    }
    product.factor = 1e30;
    expect<i32>(product.check(5, 19, 31, 16)).toBe(SAME, "everything saturates");
  });

  test("puts each row on its own grid, whatever is in it", () => {
    const product = new Product();
    product.a_lo = 0;
    product.a_hi = 0;
    expect<i32>(product.check(5, 19, 31, 16)).toBe(SAME, "zeros");
    product.a_hi = 1e38;
    expect<i32>(product.check(5, 19, 31, 16)).toBe(SAME, "large");
    product.a_lo = -1e-41;
    product.a_hi = 1e-41;
    expect<i32>(product.check(5, 19, 31, 16)).toBe(SAME, "subnormal");
    product.a_lo = -7;
    product.a_hi = -6;
    expect<i32>(product.check(5, 19, 31, 16)).toBe(SAME, "negative");
    product.a_lo = NaN;
    expect<i32>(product.check(5, 19, 31, 16)).toBe(SAME, "NaN");
  });
});
