import { Elements } from "../lib/element";
import { Pick } from "../lib/pick";
import { Field } from "../lib/record";
import { Wide } from "../lib/wide";
import { ElementsField, GatherField, PointsField, Reduction } from "../shared/indexing";

/** Op `gather`. */
export function gather(r: usize): void {
  const n = Field.i32(r, GatherField.n);
  const count = Field.i32(r, GatherField.count);
  const indices = Field.address(r, GatherField.indices);
  const bytes = Field.i32(r, GatherField.inner) * Field.i32(r, GatherField.size);
  let a = Field.address(r, GatherField.a);
  let c = Field.address(r, GatherField.c);
  for (let o = Field.i32(r, GatherField.outer); o > 0; o--, a += n * bytes) {
    for (let j = 0; j < count; j++, c += bytes) Pick.copy(c, a + Pick.index(indices + (j << 2), n) * bytes, bytes);
  }
}

/** Op `gather_elements`. */
export function gather_elements(r: usize): void {
  Walk.start(r);
  along(r, 0, Field.address(r, ElementsField.data), false);
}

/** Op `scatter_elements`. */
export function scatter_elements(r: usize): void {
  Walk.start(r);
  along(r, 0, Field.address(r, ElementsField.data), true);
}

/** Where a walk over dense indices and values stands. */
class Walk {
  static indices: usize = 0;
  static values: usize = 0;

  static start(r: usize): void {
    Walk.indices = Field.address(r, ElementsField.indices);
    Walk.values = Field.address(r, ElementsField.values);
  }
}

function along(r: usize, dim: i32, data: usize, scatter: bool): void {
  const element = Field.i32(r, ElementsField.element);
  const shift = Elements.shift(element);
  if (dim < 6) {
    const step = Field.i32(r, ElementsField.s0 + dim) << shift;
    for (let k = Field.i32(r, ElementsField.d0 + dim); k > 0; k--, data += step) along(r, dim + 1, data, scatter);
    return;
  }
  const index = Pick.index(Walk.indices, Field.i32(r, ElementsField.n));
  const p = data + ((index * Field.i32(r, ElementsField.stride)) << shift);
  if (scatter) put(Field.i32(r, ElementsField.reduction), element, p, Walk.values, 1);
  else Pick.copy(Walk.values, p, 1 << shift);
  Walk.indices += 4;
  Walk.values += 1 << shift;
}

/** Op `gather_nd`. */
export function gather_nd(r: usize): void {
  points(r, false);
}

/** Op `scatter_nd`. */
export function scatter_nd(r: usize): void {
  points(r, true);
}

function points(r: usize, scatter: bool): void {
  const element = Field.i32(r, PointsField.element);
  const reduction = Field.i32(r, PointsField.reduction);
  const count = Field.i32(r, PointsField.count);
  const depth = Field.i32(r, PointsField.depth);
  const inner = Field.i32(r, PointsField.inner);
  const bytes = inner << Elements.shift(element);
  let data = Field.address(r, PointsField.data);
  let indices = Field.address(r, PointsField.indices);
  let values = Field.address(r, PointsField.values);
  let step = bytes;
  for (let k = 0; k < depth; k++) step *= Field.i32(r, PointsField.n0 + k);
  for (let b = Field.i32(r, PointsField.batch); b > 0; b--, data += step) {
    for (let j = 0; j < count; j++, values += bytes) {
      let at = 0;
      for (let k = 0; k < depth; k++, indices += 4) {
        const n = Field.i32(r, PointsField.n0 + k);
        at = at * n + Pick.index(indices, n);
      }
      if (scatter) put(reduction, element, data + at * bytes, values, inner);
      else Pick.copy(values, data + at * bytes, bytes);
    }
  }
}

/** `to[i] = reduction(to[i], from[i])` for n elements. */
function put(reduction: i32, element: i32, to: usize, from: usize, n: i32): void {
  const shift = Elements.shift(element);
  if (reduction === Reduction.none) {
    Pick.copy(to, from, n << shift);
    return;
  }
  for (; n > 0; n--, to += 1 << shift, from += 1 << shift) {
    Wide.store(to, element, combine(reduction, Wide.load(to, element), Wide.load(from, element)));
  }
}

function combine(reduction: i32, x: f64, y: f64): f64 {
  if (reduction === Reduction.add) return x + y;
  if (reduction === Reduction.mul) return x * y;
  return reduction === Reduction.min ? min<f64>(x, y) : max<f64>(x, y);
}
