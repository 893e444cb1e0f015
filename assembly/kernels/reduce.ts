import { Field } from "../lib/record";
import { Reduce, ReduceField } from "../shared/plan";
import { Lanes } from "./lanes";

/** Op `f32_reduce`: over n in order from +0 (products from 1), in the order of four lanes where inner is 1. A mean is the sum ÷ n. */
export function f32_reduce(r: usize): void {
  const n = Field.i32(r, ReduceField.n);
  const inner = Field.i32(r, ReduceField.inner);
  const a = Field.address(r, ReduceField.a);
  const c = Field.address(r, ReduceField.c);
  for (let o = Field.i32(r, ReduceField.outer), from = a, to = c; o > 0; o--, from += (n * inner) << 2, to += inner << 2) {
    switch (Field.i32(r, ReduceField.kind)) {
      case Reduce.mean:
        Fold.block(Reduce.sum, 0, n, inner, from, to, <f32>n);
        break;
      case Reduce.sum:
        Fold.block(Reduce.sum, 0, n, inner, from, to, 1);
        break;
      case Reduce.max:
        Fold.block(Reduce.max, -Infinity, n, inner, from, to, 1);
        break;
      case Reduce.min:
        Fold.block(Reduce.min, Infinity, n, inner, from, to, 1);
        break;
      case Reduce.prod:
        Fold.block(Reduce.prod, 1, n, inner, from, to, 1);
        break;
    }
  }
}

/** `kind` and `start` are constants in each call, so that every kind gets loops of its own. */
class Fold {
  @inline static block(kind: i32, start: f32, n: i32, inner: i32, a: usize, c: usize, count: f32): void {
    if (inner === 1) {
      let y = f32x4.splat(start);
      for (; n >= 4; n -= 4, a += 16) y = Fold.pair(kind, y, v128.load(a));
      if (n > 0) y = Fold.pair(kind, y, Lanes.load_tail(a, n, start));
      y = Fold.pair(kind, y, v128.shuffle<i32>(y, y, 2, 3, 0, 1));
      y = Fold.pair(kind, y, v128.shuffle<i32>(y, y, 1, 0, 3, 2));
      store<f32>(c, f32x4.extract_lane(y, 0) / count);
      return;
    }
    const size = f32x4.splat(count);
    let rest = inner;
    for (; rest >= 4; rest -= 4, a += 16, c += 16) v128.store(c, f32x4.div(Fold.columns(kind, start, 4, n, inner, a), size));
    if (rest > 0) Lanes.store_tail(c, f32x4.div(Fold.columns(kind, start, rest, n, inner, a), size), rest);
  }

  @inline static columns(kind: i32, start: f32, width: i32, n: i32, inner: i32, a: usize): v128 {
    let y = f32x4.splat(start);
    for (let i = 0, from = a; i < n; i++, from += inner << 2) y = Fold.pair(kind, y, Lanes.load(from, width));
    return y;
  }

  @inline static pair(kind: i32, x: v128, y: v128): v128 {
    if (kind === Reduce.max) return f32x4.max(x, y);
    if (kind === Reduce.min) return f32x4.min(x, y);
    return kind === Reduce.prod ? f32x4.mul(x, y) : f32x4.add(x, y);
  }
}
