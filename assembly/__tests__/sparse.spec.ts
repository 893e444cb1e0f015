import * as simd from "../kernels/index";
import * as scalar from "../scalar/index";
import { F32_NR, PANEL_ROWS, QS8_NR } from "../shared/layout";
import { ConvField } from "../shared/plan";
import { CSR_ROWS, SparseField } from "../shared/sparse";
import { allocate, bytes, floats, integers, random, record, SAME, seed, set, set_f32, twins } from "./harness";

/** A sparse layer's shape, and how many percent of its units are there. */
class Layer {
  batch: i32 = 1;
  h: i32 = 1;
  w: i32 = 1;
  in_c: i32 = 8;
  out_c: i32 = 16;
  groups: i32 = 1;
  kernel: i32 = 1;
  stride: i32 = 1;
  dilation: i32 = 1;
  pad: i32 = 0;
  kept: i32 = 30;
  biased: bool = true;
  floating: bool = false;
  dynamic: bool = false;
  a_zero: i32 = 11;

  out(size: i32): i32 {
    return (size + 2 * this.pad - (this.kernel - 1) * this.dilation - 1) / this.stride + 1;
  }

  get k(): i32 {
    return (this.kernel * this.kernel * this.in_c) / this.groups;
  }

  /** All but the input, weights and epilogue. */
  geometry(): usize {
    seed(this.in_c + this.out_c * 16 + this.w * 256 + this.kept);
    const r = record(SparseField.count + 1);
    set(r, ConvField.batch, this.batch);
    set(r, ConvField.in_h, this.h);
    set(r, ConvField.in_w, this.w);
    set(r, ConvField.in_c, this.in_c);
    set(r, ConvField.out_h, this.out(this.h));
    set(r, ConvField.out_w, this.out(this.w));
    set(r, ConvField.out_c, this.out_c);
    set(r, ConvField.kernel_h, this.kernel);
    set(r, ConvField.kernel_w, this.kernel);
    set(r, ConvField.stride_h, this.stride);
    set(r, ConvField.stride_w, this.stride);
    set(r, ConvField.dilation_h, this.dilation);
    set(r, ConvField.dilation_w, this.dilation);
    set(r, ConvField.pad_top, this.pad);
    set(r, ConvField.pad_left, this.pad);
    set(r, ConvField.groups, this.groups);
    return r;
  }

  /** Writes counts and distances of runs of `lanes` outputs over `steps` steps, and gives the number of units. */
  units(r: usize, lanes: i32, steps: i32, even: bool): i32 {
    const runs = this.groups * ((this.out_c / this.groups + lanes - 1) / lanes);
    const index = allocate(runs * (steps + 2));
    const count = allocate(runs << 2);
    let all = 0;
    for (let run = 0; run < runs; run++) {
      const before = all;
      let at = 0;
      for (let step = 0; step < steps; step++) {
        if (<i32>(random() % 100) >= this.kept && step - at < 255) continue;
        store<u8>(index + all++, step - at);
        at = step;
      }
      if (even && (all - before) & 1) store<u8>(index + all++, 0);
      store<i32>(count + (run << 2), all - before);
    }
    set(r, SparseField.index, <i32>index);
    set(r, SparseField.count, <i32>count);
    return all;
  }

  qs8(csr: bool): i32 {
    const r = this.geometry();
    const k = this.k;
    const units = csr ? this.units(r, 1, k, true) : this.units(r, QS8_NR, (k + 1) >> 1, false);
    const channels = this.groups * ((this.out_c / this.groups + QS8_NR - 1) & ~(QS8_NR - 1));
    set(r, ConvField.w, <i32>bytes(units * (csr ? 1 : 2 * QS8_NR), -127, 127));
    set(r, ConvField.a, <i32>bytes(this.batch * this.h * this.w * this.in_c));
    if (this.biased) set(r, ConvField.bias, <i32>(this.floating ? floats(channels) : integers(channels, -5000, 5000)));
    set(r, ConvField.scale, <i32>floats(channels, 0, 0.002));
    set(r, ConvField.a_zero, this.a_zero);
    set(r, ConvField.c_zero, -7);
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
    // What an earlier layer left in scratch must not matter.
    const rows = csr ? CSR_ROWS * (((k + 1) & ~1) + ((k + 7) & ~7)) * 2 + 2 * CSR_ROWS * 64 : PANEL_ROWS * ((k + 1) & ~1) * 2;
    set(r, ConvField.scratch, <i32>bytes(rows));
    const size = this.batch * this.out(this.h) * this.out(this.w) * this.out_c * (this.floating ? 4 : 1);
    return csr
      ? twins(r, ConvField.c, size, simd.qs8_sparse_csr, scalar.qs8_sparse_csr)
      : twins(r, ConvField.c, size, simd.qs8_sparse_bsr, scalar.qs8_sparse_bsr);
  }

  f32(csr: bool): i32 {
    const r = this.geometry();
    const k = this.k;
    const units = csr ? this.units(r, 1, k, false) : this.units(r, F32_NR, k, false);
    set(r, ConvField.w, <i32>floats(units * (csr ? 1 : F32_NR)));
    set(r, ConvField.a, <i32>floats(this.batch * this.h * this.w * this.in_c));
    if (this.biased) set(r, ConvField.bias, <i32>floats(this.out_c));
    set_f32(r, ConvField.lo, -3);
    set_f32(r, ConvField.hi, 4);
    const rows = csr ? CSR_ROWS * (((k + 3) & ~3) + k) * 4 + 2 * CSR_ROWS * 64 : PANEL_ROWS * k * 4;
    set(r, ConvField.scratch, <i32>bytes(rows));
    const size = this.batch * this.out(this.h) * this.out(this.w) * this.out_c * 4;
    return csr
      ? twins(r, ConvField.c, size, simd.f32_sparse_csr, scalar.f32_sparse_csr)
      : twins(r, ConvField.c, size, simd.f32_sparse_bsr, scalar.f32_sparse_bsr);
  }

  check(why: string): void {
    expect<i32>(this.qs8(false)).toBe(SAME, `qs8_sparse_bsr, ${why}`);
    expect<i32>(this.qs8(true)).toBe(SAME, `qs8_sparse_csr, ${why}`);
    if (this.dynamic || this.floating) return;
    expect<i32>(this.f32(false)).toBe(SAME, `f32_sparse_bsr, ${why}`);
    expect<i32>(this.f32(true)).toBe(SAME, `f32_sparse_csr, ${why}`);
  }
}

describe("sparse layers", () => {
  test("give the bits of their definition for every tail", () => {
    const layer = new Layer();
    for (let m = 1; m < 7; m++)
      for (let n = 1; n < 35; n++) {
        layer.w = m;
        layer.out_c = n;
        layer.in_c = m + n;
        layer.check("small");
      }
    layer.w = 5;
    layer.out_c = 18;
    for (let k = 1; k < 20; k++) {
      layer.in_c = k;
      layer.check("k");
    }
    for (let m = CSR_ROWS - 1; m < CSR_ROWS + 6; m++) {
      layer.w = m;
      layer.check("rows of a tile");
    }
    layer.w = PANEL_ROWS + 3;
    layer.check("two blocks of rows");
  });

  test("take weights of which all, few and none are there", () => {
    const layer = new Layer();
    layer.in_c = 700;
    for (let m = 1; m < 6; m += 4) {
      layer.w = m;
      for (let kept = 0; kept <= 100; kept += 50) {
        layer.kept = kept;
        layer.check("kept");
      }
      layer.kept = 2;
      layer.check("few");
    }
  });

  test("convolve: padded, strided, dilated, in groups and batches", () => {
    const layer = new Layer();
    layer.h = 7;
    layer.w = 9;
    layer.in_c = 3;
    layer.out_c = 18;
    layer.kernel = 3;
    layer.pad = 1;
    layer.check("padded");
    layer.stride = 2;
    layer.check("strided");
    layer.batch = 2;
    layer.stride = 1;
    layer.dilation = 2;
    layer.pad = 2;
    layer.check("dilated");
    layer.in_c = 6;
    layer.out_c = 40;
    layer.groups = 2;
    layer.check("groups");
    layer.kernel = 1;
    layer.pad = 0;
    layer.check("pointwise groups");
    layer.stride = 2;
    layer.check("pointwise, strided");
  });

  test("take no bias, and give f32 for fixed and for run-time grids", () => {
    const layer = new Layer();
    layer.in_c = 40;
    layer.out_c = 21;
    for (let m = 2; m < 24; m += 19) {
      layer.w = m;
      for (let biased = 0; biased < 2; biased++) {
        layer.biased = biased === 1;
        layer.floating = layer.dynamic = false;
        layer.check("integer");
        layer.floating = true;
        layer.check("dequantized");
        layer.dynamic = true;
        layer.check("dynamic");
      }
    }
  });
});
