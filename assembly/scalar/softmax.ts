import { Field } from "../lib/record";
import { SoftmaxField } from "../shared/plan";
import { Lanes } from "./lanes";
import { F32 } from "./math";

/** Op `f32_softmax`: eˣ of what each element is below the row's largest, ÷ their sum; or that difference − log of the sum. */
export function f32_softmax(r: usize): void {
  const n = Field.i32(r, SoftmaxField.n);
  const log = Field.i32(r, SoftmaxField.log);
  let a = Field.address(r, SoftmaxField.a);
  let c = Field.address(r, SoftmaxField.c);
  for (let rows = Field.i32(r, SoftmaxField.rows); rows > 0; rows--, a += n << 2, c += n << 2) {
    let top: f32 = -Infinity;
    for (let i = 0; i < n; i++) top = max<f32>(top, load<f32>(a + (i << 2)));
    if (log) log_row(n, a, c, top);
    else row(n, a, c, top);
  }
}

function row(n: i32, a: usize, c: usize, top: f32): void {
  for (let i = 0; i < n; i++) store<f32>(c + (i << 2), F32.exp(load<f32>(a + (i << 2)) - top));
  const sum = Lanes.sum(c, n);
  for (let i = 0; i < n; i++) store<f32>(c + (i << 2), load<f32>(c + (i << 2)) / sum);
}

function log_row(n: i32, a: usize, c: usize, top: f32): void {
  const sum = exp_sum(a, n, 0, top) + exp_sum(a, n, 2, top) + (exp_sum(a, n, 1, top) + exp_sum(a, n, 3, top));
  const shift = NativeMathf.log(sum);
  for (let i = 0; i < n; i++) store<f32>(c + (i << 2), load<f32>(a + (i << 2)) - top - shift);
}

/** One lane of the sum of exponentials. */
function exp_sum(a: usize, n: i32, lane: i32, top: f32): f32 {
  let y: f32 = 0;
  for (let i = lane; i < n; i += 4) y += F32.exp(load<f32>(a + (i << 2)) - top);
  return y;
}
