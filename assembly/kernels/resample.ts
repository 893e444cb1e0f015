import { Field } from "../lib/record";
import { ResampleField } from "../shared/sampling";
import { Lanes } from "./lanes";

/** Op `resample`: taps in order, from +0. */
export function resample(r: usize): void {
  const n = Field.i32(r, ResampleField.n);
  const inner = Field.i32(r, ResampleField.inner);
  const count = Field.i32(r, ResampleField.count);
  const taps = Field.i32(r, ResampleField.taps);
  const outside = Field.f32(r, ResampleField.outside);
  const indices = Field.address(r, ResampleField.index);
  const weights = Field.address(r, ResampleField.weight);
  let a = Field.address(r, ResampleField.a);
  let c = Field.address(r, ResampleField.c);
  for (let o = Field.i32(r, ResampleField.outer); o > 0; o--, a += (n * inner) << 2) {
    for (let j = 0; j < count; j++, c += inner << 2) {
      const index = indices + ((j * taps) << 2);
      const weight = weights + ((j * taps) << 2);
      if (inner === 1) Row.single(taps, a, index, weight, c, outside);
      else Row.blend(taps, inner, a, index, weight, c, outside);
    }
  }
}

/** One output of `inner` elements. */
class Row {
  @inline static single(taps: i32, a: usize, index: usize, weight: usize, c: usize, outside: f32): void {
    let y: f32 = 0;
    for (let t = 0; t < taps; t++) {
      const at = load<i32>(index + (t << 2));
      y += load<f32>(weight + (t << 2)) * (at < 0 ? outside : load<f32>(a + (at << 2)));
    }
    store<f32>(c, y);
  }

  @inline static blend(taps: i32, inner: i32, a: usize, index: usize, weight: usize, c: usize, outside: f32): void {
    const bytes = inner << 2;
    let rest = inner;
    for (; rest >= 4; rest -= 4, a += 16, c += 16) v128.store(c, Row.lanes(4, taps, bytes, a, index, weight, outside));
    if (rest > 0) Lanes.store_tail(c, Row.lanes(rest, taps, bytes, a, index, weight, outside), rest);
  }

  @inline static lanes(width: i32, taps: i32, bytes: i32, a: usize, index: usize, weight: usize, outside: f32): v128 {
    let y = f32x4.splat(0);
    for (let t = 0; t < taps; t++) {
      const at = load<i32>(index + (t << 2));
      const x = at < 0 ? f32x4.splat(outside) : Lanes.load(a + at * bytes, width);
      y = f32x4.add(y, f32x4.mul(f32x4.splat(load<f32>(weight + (t << 2))), x));
    }
    return y;
  }
}
