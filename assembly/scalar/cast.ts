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
      if (to === Element.f32) store<f32>(c, x);
      else Elements.store(c, to, to === Element.bool ? i32(x !== 0) : <i32>x);
    } else {
      const x = Elements.load(a, from);
      if (to === Element.f32) store<f32>(c, <f32>x);
      else Elements.store(c, to, to === Element.bool ? i32(x !== 0) : x);
    }
  }
}
