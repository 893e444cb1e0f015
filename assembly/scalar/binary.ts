import { Field } from "../lib/record";
import { Binary, BinaryField } from "../shared/plan";
import { F32 } from "./math";

/** Op `f32_binary`. */
export function f32_binary(r: usize): void {
  block(r, 0, Field.address(r, BinaryField.a), Field.address(r, BinaryField.b), Field.address(r, BinaryField.c));
}

/** Walks dims `dim` to 5 and returns the address after the last element written. */
function block(r: usize, dim: i32, a: usize, b: usize, c: usize): usize {
  if (dim === 6) {
    const y = apply(Field.i32(r, BinaryField.kind), load<f32>(a), load<f32>(b));
    store<f32>(c, F32.clamp(y, Field.f32(r, BinaryField.lo), Field.f32(r, BinaryField.hi)));
    return c + 4;
  }
  const da = Field.i32(r, BinaryField.a0 + dim) << 2;
  const db = Field.i32(r, BinaryField.b0 + dim) << 2;
  for (let n = Field.i32(r, BinaryField.d0 + dim); n > 0; n--, a += da, b += db) c = block(r, dim + 1, a, b, c);
  return c;
}

function apply(kind: i32, x: f32, y: f32): f32 {
  switch (kind) {
    case Binary.add:
      return x + y;
    case Binary.sub:
      return x - y;
    case Binary.mul:
      return x * y;
    case Binary.div:
      return x / y;
    case Binary.pow:
      return F32.pow(x, y);
    case Binary.min:
      return min<f32>(x, y);
    case Binary.prelu:
      return x < 0 ? x * y : x;
    default:
      return max<f32>(x, y);
  }
}
