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
  const whole = n & ~3;
  let sum = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) {
    const y = F32x4.exp(f32x4.sub(v128.load(a + (i << 2)), top));
    sum = f32x4.add(sum, y);
    v128.store(c + (i << 2), y);
  }
  if (whole < n) {
    const y = F32x4.exp(f32x4.sub(Lanes.load_tail(a + (whole << 2), n - whole, -Infinity), top));
    sum = f32x4.add(sum, y);
    Lanes.store_tail(c + (whole << 2), y, n - whole);
  }
  const total = f32x4.splat(Lanes.sum(sum));
  for (; n >= 4; n -= 4, c += 16) v128.store(c, f32x4.div(v128.load(c), total));
  if (n > 0) Lanes.store_tail(c, f32x4.div(Lanes.load_tail(c, n, 0), total), n);
}

function log_row(n: i32, a: usize, c: usize): void {
  const top = largest(n, a);
  const whole = n & ~3;
  let sum = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) sum = f32x4.add(sum, F32x4.exp(f32x4.sub(v128.load(a + (i << 2)), top)));
  if (whole < n) sum = f32x4.add(sum, F32x4.exp(f32x4.sub(Lanes.load_tail(a + (whole << 2), n - whole, -Infinity), top)));
  const shift = f32x4.splat(NativeMathf.log(Lanes.sum(sum)));
  for (; n >= 4; n -= 4, a += 16, c += 16) v128.store(c, f32x4.sub(f32x4.sub(v128.load(a), top), shift));
  if (n > 0) Lanes.store_tail(c, f32x4.sub(f32x4.sub(Lanes.load_tail(a, n, 0), top), shift), n);
}

function largest(n: i32, a: usize): v128 {
  let top = f32x4.splat(-Infinity);
  for (; n >= 4; n -= 4, a += 16) top = f32x4.max(top, v128.load(a));
  if (n > 0) top = f32x4.max(top, Lanes.load_tail(a, n, -Infinity));
  return f32x4.splat(Lanes.max(top));
}
