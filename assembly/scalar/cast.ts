import { Elements } from "../lib/element";
import { Field } from "../lib/record";
import { CastField, Element } from "../shared/elementwise";

/** Op `cast`. */
export function cast(r: usize): void {
  const n = Field.i32(r, CastField.n);
  const from = Field.i32(r, CastField.from);
  const to = Field.i32(r, CastField.to);
  let a = Field.address(r, CastField.a);
  let c = Field.address(r, CastField.c);
  const da: usize = 1 << Elements.shift(from);
  const dc: usize = 1 << Elements.shift(to);
  for (let i = 0; i < n; i++, a += da, c += dc) {
    if (from === Element.f32) {
      const x = load<f32>(a);
      if (Elements.real(to)) store<f32>(c, rounded(x, to));
      else Elements.store(c, to, to === Element.bool ? i32(x !== 0) : <i32>x);
    } else {
      const x = Elements.load(a, from);
      if (Elements.real(to)) store<f32>(c, rounded(<f32>x, to));
      else Elements.store(c, to, to === Element.bool ? i32(x !== 0) : x);
    }
  }
}

/** To the nearest value of the format, ties to even. */
function rounded(x: f32, to: i32): f32 {
  if (to === Element.f32 || !(abs<f32>(x) < Infinity)) return x;
  if (to === Element.bf16) {
    const bits = reinterpret<u32>(x);
    return reinterpret<f32>((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000);
  }
  const exponent = max(<i32>((reinterpret<u32>(x) >> 23) & 255), 127 - 14);
  const step = reinterpret<f32>((exponent - 10) << 23);
  const near = nearest<f32>(x / step) * step;
  return abs<f32>(near) > 65504 ? copysign<f32>(Infinity, near) : near;
}
