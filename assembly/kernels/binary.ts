import { Field } from "../lib/record";
import { Binary, BinaryField } from "../shared/plan";
import { Lanes } from "./lanes";
import { F32x4 } from "./math";

/** Op `f32_binary`: rows along d5, with any strides. */
export function f32_binary(r: usize): void {
  block(r, 0, Field.address(r, BinaryField.a), Field.address(r, BinaryField.b), Field.address(r, BinaryField.c));
}

/** Walks dims `dim` to 5 and returns the address after the last element written. */
function block(r: usize, dim: i32, a: usize, b: usize, c: usize): usize {
  if (dim === 5) return row(r, a, b, c);
  const da = Field.i32(r, BinaryField.a0 + dim) << 2;
  const db = Field.i32(r, BinaryField.b0 + dim) << 2;
  for (let n = Field.i32(r, BinaryField.d0 + dim); n > 0; n--, a += da, b += db) c = block(r, dim + 1, a, b, c);
  return c;
}

function row(r: usize, a: usize, b: usize, c: usize): usize {
  const n = Field.i32(r, BinaryField.d5);
  const sa = Field.i32(r, BinaryField.a5);
  const sb = Field.i32(r, BinaryField.b5);
  const lo = f32x4.splat(Field.f32(r, BinaryField.lo));
  const hi = f32x4.splat(Field.f32(r, BinaryField.hi));
  switch (Field.i32(r, BinaryField.kind)) {
    case Binary.add:
      Row.map(Binary.add, n, a, sa, b, sb, c, lo, hi);
      break;
    case Binary.sub:
      Row.map(Binary.sub, n, a, sa, b, sb, c, lo, hi);
      break;
    case Binary.mul:
      Row.map(Binary.mul, n, a, sa, b, sb, c, lo, hi);
      break;
    case Binary.div:
      Row.map(Binary.div, n, a, sa, b, sb, c, lo, hi);
      break;
    case Binary.pow:
      if (sb === 0 && load<f32>(b) === 2) Row.map(Binary.mul, n, a, sa, a, sa, c, lo, hi);
      else Row.map(Binary.pow, n, a, sa, b, sb, c, lo, hi);
      break;
    case Binary.min:
      Row.map(Binary.min, n, a, sa, b, sb, c, lo, hi);
      break;
    case Binary.max:
      Row.map(Binary.max, n, a, sa, b, sb, c, lo, hi);
      break;
    case Binary.prelu:
      Row.map(Binary.prelu, n, a, sa, b, sb, c, lo, hi);
      break;
  }
  return c + (n << 2);
}

class Row {
  /** `kind` is a constant in each call, so that every kind gets a loop of its own. */
  @inline static map(kind: i32, n: i32, a: usize, sa: i32, b: usize, sb: i32, c: usize, lo: v128, hi: v128): void {
    if (sa === 1 && sb === 1) {
      for (; n >= 4; n -= 4, a += 16, b += 16, c += 16) {
        v128.store(c, F32x4.clamp(Row.apply(kind, v128.load(a), v128.load(b)), lo, hi));
      }
    } else if (sa === 1 && sb === 0) {
      const y = v128.load32_splat(b);
      for (; n >= 4; n -= 4, a += 16, c += 16) v128.store(c, F32x4.clamp(Row.apply(kind, v128.load(a), y), lo, hi));
    }
    for (; n > 0; n -= 4, a += sa << 4, b += sb << 4, c += 16) {
      const x = sa === 1 ? Lanes.load(a, n) : Lanes.load_strided(a, sa, n);
      const y = sb === 1 ? Lanes.load(b, n) : Lanes.load_strided(b, sb, n);
      Lanes.store(c, F32x4.clamp(Row.apply(kind, x, y), lo, hi), n);
    }
  }

  @inline static apply(kind: i32, x: v128, y: v128): v128 {
    if (kind === Binary.add) return f32x4.add(x, y);
    if (kind === Binary.sub) return f32x4.sub(x, y);
    if (kind === Binary.mul) return f32x4.mul(x, y);
    if (kind === Binary.div) return f32x4.div(x, y);
    if (kind === Binary.pow) return F32x4.pow(x, y);
    if (kind === Binary.min) return f32x4.min(x, y);
    if (kind === Binary.prelu) return v128.bitselect(f32x4.mul(x, y), x, f32x4.lt(x, f32x4.splat(0)));
    return f32x4.max(x, y);
  }
}
