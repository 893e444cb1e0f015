import * as simd from "../kernels/index";
import * as scalar from "../scalar/index";
import { Binary, BinaryField, QuantizeDynamicField, QuantizeField, TableField } from "../shared/plan";
import { allocate, bytes, floats, record, SAME, seed, set, set_f32, twins } from "./harness";

/** `n` floats of which every fifth is special: NaN, infinities, and what lies half-way between two integers of a grid of scale 0.25. */
function specials(n: i32): usize {
  const a = floats(n, -40, 40);
  for (let i = 0; i < n; i += 5) {
    const kind = (i / 5) % 5;
    const half = (<f32>(i % 64) + 0.5) * 0.25;
    store<f32>(
      a + (i << 2),
      kind === 0 ? f32.NaN : kind === 1 ? f32.POSITIVE_INFINITY : kind === 2 ? f32.NEGATIVE_INFINITY : kind === 3 ? half : -half,
    );
  }
  return a;
}

function quantize(n: i32, scale: f32, zero: i32): i32 {
  seed(n);
  const r = record(QuantizeField.zero + 1);
  set(r, QuantizeField.n, n);
  set(r, QuantizeField.a, <i32>specials(n));
  set_f32(r, QuantizeField.scale, scale);
  set(r, QuantizeField.zero, zero);
  return twins(r, QuantizeField.c, n, simd.qs8_quantize, scalar.qs8_quantize);
}

function dequantize(n: i32, zero: i32): i32 {
  seed(n);
  const r = record(QuantizeField.zero + 1);
  set(r, QuantizeField.n, n);
  set(r, QuantizeField.a, <i32>bytes(n));
  set_f32(r, QuantizeField.scale, 0.0371);
  set(r, QuantizeField.zero, zero);
  return twins(r, QuantizeField.c, n << 2, simd.qs8_dequantize, scalar.qs8_dequantize);
}

/** The outputs of both kernels, then the grids that they wrote. */
function dynamic(n: i32, a: usize): i32 {
  const r = record(QuantizeDynamicField.dynamic + 1);
  const grids = allocate(16);
  set(r, QuantizeDynamicField.n, n);
  set(r, QuantizeDynamicField.a, <i32>a);
  set(r, QuantizeDynamicField.c, <i32>allocate(n));
  set(r, QuantizeDynamicField.dynamic, <i32>grids);
  simd.qs8_quantize_dynamic(r);
  set(r, QuantizeDynamicField.dynamic, <i32>(grids + 8));
  scalar.qs8_quantize_dynamic(r);
  if (load<u64>(grids) !== load<u64>(grids, 8)) return 0;
  return twins(r, QuantizeDynamicField.c, n, simd.qs8_quantize_dynamic, scalar.qs8_quantize_dynamic);
}

function table(n: i32): i32 {
  seed(n);
  const r = record(TableField.c + 1);
  set(r, TableField.n, n);
  set(r, TableField.a, <i32>bytes(n));
  set(r, TableField.table, <i32>bytes(256));
  return twins(r, TableField.c, n, simd.qs8_table, scalar.qs8_table);
}

/** Dims d3 × d4 × d5 with the given strides; the dims outside are 2, dense. */
function binary(kind: i32, d: StaticArray<i32>, a: StaticArray<i32>, b: StaticArray<i32>, zero: i32 = 4, gain: f32 = 1): i32 {
  const inner = d[0] * d[1] * d[2];
  const span = inner * 3;
  seed(kind * 64 + inner);
  const r = record(BinaryField.b_scale + 1);
  set(r, BinaryField.kind, kind);
  for (let i = 0; i < 6; i++) {
    set(r, BinaryField.d0 + i, i < 3 ? 2 : d[i - 3]);
    set(r, BinaryField.a0 + i, i < 3 ? span << (2 - i) : a[i - 3]);
    set(r, BinaryField.b0 + i, i < 3 ? span << (2 - i) : b[i - 3]);
  }
  set(r, BinaryField.a, <i32>bytes(8 * span));
  set(r, BinaryField.b, <i32>bytes(8 * span));
  set(r, BinaryField.lo, -120);
  set(r, BinaryField.hi, 101);
  set(r, BinaryField.a_zero, zero);
  set(r, BinaryField.b_zero, -1 - zero);
  set(r, BinaryField.c_zero, zero);
  set_f32(r, BinaryField.a_scale, (kind === Binary.mul ? <f32>0.013 : <f32>0.7) * gain);
  set_f32(r, BinaryField.b_scale, <f32>0.43 * gain);
  return twins(r, BinaryField.c, 8 * inner, simd.qs8_binary, scalar.qs8_binary);
}

describe("qs8_quantize", () => {
  test("gives the bits of its definition, NaN, infinities and ties included", () => {
    for (let n = 1; n < 70; n++) expect<i32>(quantize(n, 0.25, 7)).toBe(SAME);
    expect<i32>(quantize(200, 0.25, -128)).toBe(SAME, "lowest zero");
    expect<i32>(quantize(200, 0.25, 127)).toBe(SAME, "highest zero");
    expect<i32>(quantize(200, 1e-38, 0)).toBe(SAME, "quotients that overflow");
  });
});

describe("qs8_dequantize", () => {
  test("gives the bits of its definition", () => {
    for (let n = 1; n < 70; n++) expect<i32>(dequantize(n, n - 35)).toBe(SAME);
    expect<i32>(dequantize(256, -128)).toBe(SAME, "lowest zero");
    expect<i32>(dequantize(256, 127)).toBe(SAME, "highest zero");
  });
});

describe("qs8_quantize_dynamic", () => {
  test("finds the grid of its definition and gives its bits", () => {
    seed(1);
    for (let n = 1; n < 70; n++) {
      expect<i32>(dynamic(n, floats(n))).toBe(SAME, "both signs");
      expect<i32>(dynamic(n, floats(n, 1, 3))).toBe(SAME, "positive");
      expect<i32>(dynamic(n, floats(n, -3, -1))).toBe(SAME, "negative");
      expect<i32>(dynamic(n, specials(n))).toBe(SAME, "NaN and infinities");
      expect<i32>(dynamic(n, allocate(n << 2))).toBe(SAME, "all zero");
    }
  });

  test("ignores NaN when it looks for the range", () => {
    seed(2);
    const a = floats(21);
    const grid = allocate(16);
    const r = record(QuantizeDynamicField.dynamic + 1);
    set(r, QuantizeDynamicField.n, 20);
    set(r, QuantizeDynamicField.a, <i32>a);
    set(r, QuantizeDynamicField.c, <i32>allocate(21));
    set(r, QuantizeDynamicField.dynamic, <i32>grid);
    simd.qs8_quantize_dynamic(r);
    for (let i = 0; i < 21; i++) {
      const b = allocate(84);
      memory.copy(b, a, i << 2);
      store<f32>(b + (i << 2), f32.NaN);
      memory.copy(b + ((i + 1) << 2), a + (i << 2), (20 - i) << 2);
      set(r, QuantizeDynamicField.n, 21);
      set(r, QuantizeDynamicField.a, <i32>b);
      set(r, QuantizeDynamicField.dynamic, <i32>(grid + 8));
      simd.qs8_quantize_dynamic(r);
      expect<u64>(load<u64>(grid, 8)).toBe(load<u64>(grid));
    }
  });
});

describe("qs8_table", () => {
  test("gives the bits of its definition", () => {
    for (let n = 1; n < 20; n++) expect<i32>(table(n)).toBe(SAME);
    expect<i32>(table(3000)).toBe(SAME, "every entry");
  });
});

describe("qs8_binary", () => {
  test("gives the bits of its definition for every kind, tail and way of broadcasting", () => {
    const kinds: StaticArray<i32> = [Binary.add, Binary.sub, Binary.mul];
    for (let i = 0; i < 3; i++) {
      for (let n = 1; n < 36; n++) {
        expect<i32>(binary(kinds[i], [3, 2, n], [2 * n, n, 1], [2 * n, n, 1])).toBe(SAME, "same shape");
        expect<i32>(binary(kinds[i], [3, 2, n], [2 * n, n, 1], [0, 0, 0])).toBe(SAME, "scalar");
        expect<i32>(binary(kinds[i], [3, 2, n], [0, 0, 1], [2, 1, 0])).toBe(SAME, "row and column");
        expect<i32>(binary(kinds[i], [3, 2, n], [2 * n, n, 1], [0, 0, 1])).toBe(SAME, "per channel");
        expect<i32>(binary(kinds[i], [3, 2, n], [1, 3, 6], [2 * n, n, 1])).toBe(SAME, "transposed");
      }
      expect<i32>(binary(kinds[i], [5, 1, 7], [7, 0, 1], [7, 3, 1])).toBe(SAME, "a dim of 1");
      expect<i32>(binary(kinds[i], [3, 2, 40], [80, 40, 1], [80, 40, 1], 127)).toBe(SAME, "highest zero");
      expect<i32>(binary(kinds[i], [3, 2, 40], [80, 40, 1], [80, 40, 1], -128)).toBe(SAME, "lowest zero");
      expect<i32>(binary(kinds[i], [3, 2, 40], [80, 40, 1], [80, 40, 1], 0, 1e9)).toBe(SAME, "everything saturates");
    }
  });
});
