import * as simd from "../kernels/index";
import * as scalar from "../scalar/index";
import { Binary, BinaryField, Unary, UnaryField } from "../shared/plan";
import { floats, record, SAME, seed, set, set_f32, twins } from "./harness";

function unary(kind: i32, n: i32, lo: f32, hi: f32): i32 {
  seed(kind * 100 + n);
  const r = record(UnaryField.c + 1);
  set(r, UnaryField.kind, kind);
  set(r, UnaryField.n, n);
  set(r, UnaryField.a, <i32>floats(n, lo, hi));
  set_f32(r, UnaryField.alpha, -0.25);
  set_f32(r, UnaryField.beta, 0.75);
  return twins(r, UnaryField.c, n << 2, simd.f32_unary, scalar.f32_unary);
}

/** The largest difference between the kernel and `truth`, relative to 1 or to the true value, whichever is larger. */
function error(kind: i32, lo: f32, hi: f32, relative: bool, truth: (x: f64) => f64): f64 {
  seed(7);
  const n = 20000;
  const a = floats(n, lo, hi);
  const c = floats(n);
  const r = record(UnaryField.c + 1);
  set(r, UnaryField.kind, kind);
  set(r, UnaryField.n, n);
  set(r, UnaryField.a, <i32>a);
  set(r, UnaryField.c, <i32>c);
  simd.f32_unary(r);
  let worst: f64 = 0;
  for (let i = 0; i < n; i++) {
    const y = truth(load<f32>(a + (i << 2)));
    const d = abs<f64>(load<f32>(c + (i << 2)) - y);
    worst = max<f64>(worst, relative ? d / abs<f64>(y) : d);
  }
  return worst;
}

/** erf in f64: its Taylor series, enough for |x| ≤ 4. */
function erf(x: f64): f64 {
  let term = x;
  let sum = x;
  for (let i = 1; i < 120; i++) {
    term *= (-x * x) / i;
    sum += term / (2 * i + 1);
  }
  return (sum * 2) / NativeMath.sqrt(NativeMath.PI);
}

function at(kind: i32, x: f32): f32 {
  const r = record(UnaryField.c + 1);
  const a = floats(1);
  store<f32>(a, x);
  set(r, UnaryField.kind, kind);
  set(r, UnaryField.n, 1);
  set(r, UnaryField.a, <i32>a);
  set(r, UnaryField.c, <i32>a);
  simd.f32_unary(r);
  return load<f32>(a);
}

function is_nan(x: f32): bool {
  return (reinterpret<u32>(x) & 0x7fffffff) > 0x7f800000;
}

function binary(kind: i32, d4: i32, d5: i32, a4: i32, a5: i32, b4: i32, b5: i32): i32 {
  seed(kind * 1000 + d4 * 10 + d5);
  const r = record(BinaryField.b_scale + 1);
  set(r, BinaryField.kind, kind);
  const planes = 3;
  for (let dim = 0; dim < 6; dim++) set(r, BinaryField.d0 + dim, 1);
  set(r, BinaryField.d1, planes);
  set(r, BinaryField.d4, d4);
  set(r, BinaryField.d5, d5);
  set(r, BinaryField.a1, d4 * d5);
  set(r, BinaryField.a4, a4);
  set(r, BinaryField.a5, a5);
  set(r, BinaryField.b1, 1);
  set(r, BinaryField.b4, b4);
  set(r, BinaryField.b5, b5);
  const size = planes * d4 * d5;
  set(r, BinaryField.a, <i32>floats(2 * size + 64, kind === Binary.pow ? 0.1 : -2, 2));
  set(r, BinaryField.b, <i32>floats(2 * size + 64));
  set_f32(r, BinaryField.lo, -1.5);
  set_f32(r, BinaryField.hi, 1.25);
  return twins(r, BinaryField.c, size << 2, simd.f32_binary, scalar.f32_binary);
}

describe("f32_unary", () => {
  test("gives the bits of its definition for every kind and tail", () => {
    for (let kind: i32 = Unary.clamp; kind <= Unary.atanh; kind++) {
      const positive = kind === Unary.log || kind === Unary.sqrt;
      for (let n = 1; n < 10; n++) expect<i32>(unary(kind, n, positive ? 0 : -2, 2)).toBe(SAME);
      expect<i32>(unary(kind, 1003, positive ? 0 : -120, 120)).toBe(SAME);
    }
  });

  test("is close to the true functions", () => {
    expect<f64>(error(Unary.exp, -80, 80, true, (x) => NativeMath.exp(x))).toBeLessThan(2e-7, "exp");
    expect<f64>(error(Unary.tanh, -9, 9, true, (x) => NativeMath.tanh(x))).toBeLessThan(5e-7, "tanh");
    expect<f64>(error(Unary.erf, -4, 4, false, erf)).toBeLessThan(5e-7, "erf");
    expect<f64>(error(Unary.erf, -0.5, 0.5, true, erf)).toBeLessThan(5e-7, "erf near zero");
    expect<f64>(error(Unary.gelu, -4, 4, false, (x) => 0.5 * x * (1 + erf(x * 0.7071067811865476)))).toBeLessThan(1e-6, "gelu");
    expect<f64>(error(Unary.sigmoid, -30, 30, true, (x) => 1 / (1 + NativeMath.exp(-x)))).toBeLessThan(4e-7, "sigmoid");
    expect<f64>(error(Unary.softplus, -10, 10, true, (x) => NativeMath.log1p(NativeMath.exp(x)))).toBeLessThan(4e-7, "softplus");
    expect<f64>(error(Unary.log, 0, 100, false, (x) => NativeMath.log(x))).toBeLessThan(3e-7, "log");
  });

  test("has the right limits", () => {
    expect<f32>(at(Unary.exp, 200)).toBe(Infinity, "exp overflows");
    expect<f32>(at(Unary.exp, -200)).toBe(0, "exp underflows");
    expect<f32>(at(Unary.exp, 0)).toBe(1, "exp(0)");
    expect<f32>(at(Unary.exp, -103)).toBe(1.401298464324817e-45, "the smallest subnormal");
    expect<f32>(abs<f32>(at(Unary.tanh, 100) - 1)).toBeLessThan(2e-7, "tanh");
    expect<f32>(at(Unary.tanh, -100)).toBe(-at(Unary.tanh, 100), "tanh is odd");
    expect<f32>(at(Unary.erf, 100)).toBe(1, "erf");
    expect<f32>(at(Unary.erf, -100)).toBe(-1, "erf");
    expect<f32>(at(Unary.sigmoid, 200)).toBe(1, "sigmoid");
    expect<f32>(at(Unary.sigmoid, -200)).toBe(0, "sigmoid");
    expect<bool>(is_nan(at(Unary.exp, NaN))).toBe(true, "NaN stays NaN");
    expect<bool>(is_nan(at(Unary.clamp, NaN))).toBe(true, "NaN passes the clamp");
  });
});

describe("f32_binary", () => {
  test("gives the bits of its definition for every kind, broadcast and tail", () => {
    for (let kind: i32 = Binary.add; kind <= Binary.prelu; kind++) {
      for (let n = 1; n < 10; n++) {
        expect<i32>(binary(kind, 2, n, n, 1, n, 1)).toBe(SAME, "both dense");
        expect<i32>(binary(kind, 2, n, n, 1, 1, 0)).toBe(SAME, "b one value a row");
        expect<i32>(binary(kind, 2, n, 1, 0, n, 1)).toBe(SAME, "a one value a row");
        expect<i32>(binary(kind, 2, n, 0, 0, 0, 0)).toBe(SAME, "both one value");
        expect<i32>(binary(kind, 2, n, 1, 2, 0, 1)).toBe(SAME, "a strided, b repeated");
      }
    }
  });

  test("squares by multiplying", () => {
    seed(3);
    const r = record(BinaryField.b_scale + 1);
    for (let dim = 0; dim < 6; dim++) set(r, BinaryField.d0 + dim, 1);
    const a = floats(9);
    const c = floats(9);
    set(r, BinaryField.kind, Binary.pow);
    set(r, BinaryField.d5, 9);
    set(r, BinaryField.a5, 1);
    set(r, BinaryField.a, <i32>a);
    set(r, BinaryField.b, <i32>floats(1, 2, 2));
    set(r, BinaryField.c, <i32>c);
    set_f32(r, BinaryField.lo, -Infinity);
    set_f32(r, BinaryField.hi, Infinity);
    simd.f32_binary(r);
    for (let i = 0; i < 9; i++) expect<f32>(load<f32>(c + (i << 2))).toBe(load<f32>(a + (i << 2)) * load<f32>(a + (i << 2)));
    expect<i32>(twins(r, BinaryField.c, 36, simd.f32_binary, scalar.f32_binary)).toBe(SAME);
  });
});
