import { Field } from "../lib/record";
import { Reduce, ReduceField } from "../shared/plan";
import { Lanes } from "./lanes";

/** Op `f32_reduce`: over n in order from +0 (products from 1), in the order of four lanes where inner is 1. A mean is the sum ÷ n. */
export function f32_reduce(r: usize): void {
  const kind = Field.i32(r, ReduceField.kind);
  const outer = Field.i32(r, ReduceField.outer);
  const n = Field.i32(r, ReduceField.n);
  const inner = Field.i32(r, ReduceField.inner);
  const a = Field.address(r, ReduceField.a);
  const c = Field.address(r, ReduceField.c);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const from = a + ((o * n * inner + i) << 2);
      let y: f32 = 0;
      if (inner > 1 || kind === Reduce.max || kind === Reduce.min) y = column(kind, from, n, inner);
      else y = kind === Reduce.prod ? Lanes.product(from, n) : Lanes.sum(from, n);
      store<f32>(c + ((o * inner + i) << 2), kind === Reduce.mean ? y / <f32>n : y);
    }
  }
}

function column(kind: i32, a: usize, n: i32, stride: i32): f32 {
  let y: f32 = kind === Reduce.max ? -Infinity : kind === Reduce.min ? Infinity : kind === Reduce.prod ? 1 : 0;
  for (let i = 0; i < n; i++) {
    const x = load<f32>(a + ((i * stride) << 2));
    if (kind === Reduce.max) y = max<f32>(y, x);
    else if (kind === Reduce.min) y = min<f32>(y, x);
    else if (kind === Reduce.prod) y *= x;
    else y += x;
  }
  return y;
}
