import { Elements } from "../lib/element";
import { Field } from "../lib/record";
import { Element, ElementBinary, ElementBinaryField } from "../shared/elementwise";

/** Op `element_binary`. */
export function element_binary(r: usize): void {
  const a = Field.address(r, ElementBinaryField.a);
  block(r, 0, a, Field.address(r, ElementBinaryField.b), Field.address(r, ElementBinaryField.c));
}

/** Walks dims `dim` to 5 and returns the address after the last element written. */
function block(r: usize, dim: i32, a: usize, b: usize, c: usize): usize {
  const shift = Elements.shift(Field.i32(r, ElementBinaryField.type));
  const da = Field.i32(r, ElementBinaryField.a0 + dim) << shift;
  const db = Field.i32(r, ElementBinaryField.b0 + dim) << shift;
  const n = Field.i32(r, ElementBinaryField.d0 + dim);
  if (dim === 5) return row(r, n, a, da, b, db, c);
  for (let i = 0; i < n; i++, a += da, b += db) c = block(r, dim + 1, a, b, c);
  return c;
}

function row(r: usize, n: i32, a: usize, da: i32, b: usize, db: i32, c: usize): usize {
  const kind = Field.i32(r, ElementBinaryField.kind);
  const type = Field.i32(r, ElementBinaryField.type);
  const to: i32 = kind >= ElementBinary.equal ? Element.bool : type;
  const dc: usize = 1 << Elements.shift(to);
  for (let i = 0; i < n; i++, a += da, b += db, c += dc) {
    if (type !== Element.f32) Elements.store(c, to, integer(kind, Elements.load(a, type), Elements.load(b, type)));
    else if (to === Element.bool) Elements.store(c, to, compare(kind, load<f32>(a), load<f32>(b)));
    else store<f32>(c, remainder(kind, load<f32>(a), load<f32>(b)));
  }
  return c;
}

function compare(kind: i32, x: f32, y: f32): i32 {
  switch (kind) {
    case ElementBinary.equal:
      return i32(x === y);
    case ElementBinary.less:
      return i32(x < y);
    case ElementBinary.less_equal:
      return i32(x <= y);
    case ElementBinary.greater:
      return i32(x > y);
    default:
      return i32(x >= y);
  }
}

function remainder(kind: i32, x: f32, y: f32): f32 {
  const z = NativeMathf.mod(x, y);
  return kind === ElementBinary.mod && z * y < 0 ? z + y : z;
}

function integer(kind: i32, x: i32, y: i32): i32 {
  switch (kind) {
    case ElementBinary.add:
      return x + y;
    case ElementBinary.sub:
      return x - y;
    case ElementBinary.mul:
      return x * y;
    case ElementBinary.div:
      return y === -1 ? -x : y === 0 ? 0 : x / y;
    case ElementBinary.pow:
      return power(x, y);
    case ElementBinary.min:
      return min<i32>(x, y);
    case ElementBinary.max:
      return max<i32>(x, y);
    case ElementBinary.mod:
      return modulo(x, y);
    case ElementBinary.fmod:
      return y === 0 ? 0 : x % y;
    case ElementBinary.bit_and:
      return x & y;
    case ElementBinary.bit_or:
      return x | y;
    case ElementBinary.bit_xor:
      return x ^ y;
    case ElementBinary.shift_left:
      return <u32>y > 31 ? 0 : x << y;
    case ElementBinary.shift_right:
      return x >> min<i32>(y, 31);
    case ElementBinary.equal:
      return i32(x === y);
    case ElementBinary.less:
      return i32(x < y);
    case ElementBinary.less_equal:
      return i32(x <= y);
    case ElementBinary.greater:
      return i32(x > y);
    default:
      return i32(x >= y);
  }
}

function modulo(x: i32, y: i32): i32 {
  const z = y === 0 ? 0 : x % y;
  return z !== 0 && (z ^ y) < 0 ? z + y : z;
}

/** By squaring; a negative power of anything but ±1 is 0. */
function power(x: i32, y: i32): i32 {
  if (y < 0) return x === 1 || (x === -1 && (y & 1) === 0) ? 1 : x === -1 ? -1 : 0;
  let z = 1;
  for (; y > 0; y >>= 1, x *= x) if (y & 1) z *= x;
  return z;
}
