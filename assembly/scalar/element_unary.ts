import { Elements } from "../lib/element";
import { Field } from "../lib/record";
import { Element, ElementUnary, ElementUnaryField } from "../shared/elementwise";

/** Op `element_unary`. */
export function element_unary(r: usize): void {
  const kind = Field.i32(r, ElementUnaryField.kind);
  const n = Field.i32(r, ElementUnaryField.n);
  const type = Field.i32(r, ElementUnaryField.type);
  const lo = Field.i32(r, ElementUnaryField.lo);
  const hi = Field.i32(r, ElementUnaryField.hi);
  const shift = Elements.shift(type);
  const to: i32 = kind >= ElementUnary.not ? Element.bool : type;
  let a = Field.address(r, ElementUnaryField.a);
  let c = Field.address(r, ElementUnaryField.c);
  for (let i = 0; i < n; i++, a += 1 << shift, c += 1 << Elements.shift(to)) {
    const y = type === Element.f32 ? predicate(kind, load<f32>(a), lo, hi) : apply(kind, Elements.load(a, type), lo, hi);
    Elements.store(c, to, y);
  }
}

function predicate(kind: i32, x: f32, negative: i32, positive: i32): i32 {
  if (kind === ElementUnary.is_nan) return i32(Number.isNaN(x));
  return i32((negative !== 0 && x === -Infinity) || (positive !== 0 && x === Infinity));
}

function apply(kind: i32, x: i32, lo: i32, hi: i32): i32 {
  switch (kind) {
    case ElementUnary.abs:
      return x < 0 ? -x : x;
    case ElementUnary.neg:
      return -x;
    case ElementUnary.sign:
      return i32(x > 0) - i32(x < 0);
    case ElementUnary.bit_not:
      return ~x;
    case ElementUnary.clamp:
      return min<i32>(max<i32>(x, lo), hi);
    default:
      return i32(x === 0);
  }
}
