import { Field } from "../lib/record";
import { SoftmaxField } from "../shared/plan";
import { Lanes } from "./lanes";
import { F32x4 } from "./math";

/** Op `f32_softmax`: eˣ of what each element is below the row's largest, ÷ their sum; or that difference − log of the sum. */
export function f32_softmax(r: usize): void {
  const n = Field.i32(r, SoftmaxField.n);
  const log = Field.i32(r, SoftmaxField.log);
  let a = Field.address(r, SoftmaxField.a);
  let c = Field.address(r, SoftmaxField.c);
  for (let rows = Field.i32(r, SoftmaxField.rows); rows > 0; rows--, a += n << 2, c += n << 2) {
    if (log) log_row(n, a, c);
    else row(n, a, c);
  }
}

function row(n: i32, a: usize, c: usize): void {
  const top = largest(n, a);
  let sum = f32x4.splat(0);
  for (let i = 0; i < n; i += 4) {
    const y = F32x4.exp(f32x4.sub(Lanes.load(a + (i << 2), n - i, -Infinity), top));
    sum = f32x4.add(sum, y);
    Lanes.store(c + (i << 2), y, n - i);
  }
  const total = f32x4.splat(Lanes.sum(sum));
  for (let i = 0; i < n; i += 4) {
    const at = c + (i << 2);
    Lanes.store(at, f32x4.div(Lanes.load(at, n - i), total), n - i);
  }
}

function log_row(n: i32, a: usize, c: usize): void {
  const top = largest(n, a);
  let sum = f32x4.splat(0);
  for (let i = 0; i < n; i += 4) sum = f32x4.add(sum, F32x4.exp(f32x4.sub(Lanes.load(a + (i << 2), n - i, -Infinity), top)));
  const shift = f32x4.splat(NativeMathf.log(Lanes.sum(sum)));
  for (let i = 0; i < n; i += 4) Lanes.store(c + (i << 2), f32x4.sub(f32x4.sub(Lanes.load(a + (i << 2), n - i), top), shift), n - i);
}

function largest(n: i32, a: usize): v128 {
  let top = f32x4.splat(-Infinity);
  for (; n > 0; n -= 4, a += 16) top = f32x4.max(top, Lanes.load(a, n, -Infinity));
  return f32x4.splat(Lanes.max(top));
}
