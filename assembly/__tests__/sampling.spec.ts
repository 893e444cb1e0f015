import * as simd from "../kernels/index";
import * as scalar from "../scalar/index";
import { ResampleField } from "../shared/sampling";
import { floats, record, SAME, seed, set, set_f32, twins } from "./harness";

/** Indices run over the whole axis and −1, which stands for what lies outside. */
function resample(outer: i32, n: i32, inner: i32, count: i32, taps: i32): i32 {
  seed(outer + n * 10 + inner * 100 + taps * 1000);
  const index = floats(count * taps);
  for (let i = 0; i < count * taps; i++) store<i32>(index + (i << 2), ((i * 7) % (n + 1)) - 1);
  const r = record(ResampleField.outside + 1);
  set(r, ResampleField.outer, outer);
  set(r, ResampleField.n, n);
  set(r, ResampleField.inner, inner);
  set(r, ResampleField.count, count);
  set(r, ResampleField.taps, taps);
  set(r, ResampleField.a, <i32>floats(outer * n * inner));
  set(r, ResampleField.index, <i32>index);
  set(r, ResampleField.weight, <i32>floats(count * taps));
  set_f32(r, ResampleField.outside, 0.75);
  return twins(r, ResampleField.c, (outer * count * inner) << 2, simd.resample, scalar.resample);
}

describe("resample", () => {
  test("gives the bits of its definition for every width and number of taps", () => {
    for (let inner = 1; inner < 10; inner++) {
      for (let taps = 1; taps < 6; taps++) expect<i32>(resample(2, 5, inner, 7, taps)).toBe(SAME);
    }
    expect<i32>(resample(1, 16, 130, 32, 2)).toBe(SAME, "a line of an image");
  });
});
