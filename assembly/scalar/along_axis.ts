import { Elements } from "../lib/element";
import { Pick } from "../lib/pick";
import { Field } from "../lib/record";
import { Wide } from "../lib/wide";
import { Element } from "../shared/elementwise";
import { CumulativeSumField, OneHotField, ReverseSequenceField } from "../shared/indexing";

/** Op `cumulative_sum`. */
export function cumulative_sum(r: usize): void {
  if (Field.i32(r, CumulativeSumField.element) === Element.f32) sums<f32>(r);
  else sums<i32>(r);
}

/** Row by row, each from the one before, so that memory is read in order whatever the axis. */
function sums<T>(r: usize): void {
  const exclusive = Field.i32(r, CumulativeSumField.exclusive) !== 0;
  const n = Field.i32(r, CumulativeSumField.n);
  const row = Field.i32(r, CumulativeSumField.inner) << 2;
  const step = Field.i32(r, CumulativeSumField.reverse) ? -row : row;
  let a = Field.address(r, CumulativeSumField.a);
  let c = Field.address(r, CumulativeSumField.c);
  for (let o = Field.i32(r, CumulativeSumField.outer); o > 0; o--, a += n * row, c += n * row) {
    let from = a;
    if (step < 0) from += (n - 1) * row;
    let to = c + (from - a);
    if (exclusive) memory.fill(to, 0, row);
    else memory.copy(to, from, row);
    for (let j = 1; j < n; j++, from += step, to += step) {
      const added = exclusive ? from : from + step;
      for (let i = 0; i < row; i += 4) store<T>(to + step + i, <T>(load<T>(to + i) + load<T>(added + i)));
    }
  }
}

/** Op `one_hot`. */
export function one_hot(r: usize): void {
  const element = Field.i32(r, OneHotField.element);
  const size = Field.i32(r, OneHotField.size);
  const n = Field.i32(r, OneHotField.n);
  const inner = Field.i32(r, OneHotField.inner);
  const off = Field.address(r, OneHotField.values);
  let indices = Field.address(r, OneHotField.indices);
  let c = Field.address(r, OneHotField.c);
  for (let o = Field.i32(r, OneHotField.outer); o > 0; o--, indices += inner << Elements.shift(element)) {
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < inner; i++, c += size) {
        const index = Wide.load(indices + (i << Elements.shift(element)), element);
        const hit = index === <f64>j || index + <f64>n === <f64>j;
        Pick.copy(c, hit ? off + size : off, size);
      }
    }
  }
}

/** Op `reverse_sequence`. */
export function reverse_sequence(r: usize): void {
  const n = Field.i32(r, ReverseSequenceField.n);
  const bytes = Field.i32(r, ReverseSequenceField.bytes);
  const step = Field.i32(r, ReverseSequenceField.time_step);
  const lengths = Field.address(r, ReverseSequenceField.lengths);
  for (let b = 0; b < Field.i32(r, ReverseSequenceField.batch); b++) {
    const length = min(n, load<i32>(lengths + (b << 2)));
    const offset = b * Field.i32(r, ReverseSequenceField.batch_step);
    const a = Field.address(r, ReverseSequenceField.a) + offset;
    const c = Field.address(r, ReverseSequenceField.c) + offset;
    for (let t = 0; t < n; t++) Pick.copy(c + t * step, a + (t < length ? length - 1 - t : t) * step, bytes);
  }
}
