import { Field } from "../lib/record";
import { Element } from "../shared/elementwise";
import { ArgField } from "../shared/indexing";

/** Op `arg`. */
export function arg(r: usize): void {
  const element = Field.i32(r, ArgField.element);
  if (element === Element.f32) argOf<f32>(r);
  else if (element === Element.i32) argOf<i32>(r);
  else if (element === Element.i8) argOf<i8>(r);
  else argOf<u8>(r);
}

/** Row by row, so that memory is read in order whatever the axis. */
function argOf<T>(r: usize): void {
  const least = Field.i32(r, ArgField.least) !== 0;
  const last = Field.i32(r, ArgField.last) !== 0;
  const n = Field.i32(r, ArgField.n);
  const inner = Field.i32(r, ArgField.inner);
  const shift = <i32>alignof<T>();
  const best = Field.address(r, ArgField.scratch);
  let a = Field.address(r, ArgField.a);
  let c = Field.address(r, ArgField.c);
  for (let o = Field.i32(r, ArgField.outer); o > 0; o--, a += (n * inner) << shift, c += inner << 2) {
    memory.fill(c, 0, inner << 2);
    memory.copy(best, a, inner << shift);
    for (let j = 1; j < n; j++) {
      const row = a + ((j * inner) << shift);
      for (let i = 0; i < inner; i++) {
        const x = load<T>(row + (i << shift));
        const y = load<T>(best + (i << shift));
        if (!((least ? x < y : x > y) || (last && x === y))) continue;
        store<T>(best + (i << shift), x);
        store<i32>(c + (i << 2), j);
      }
    }
  }
}
