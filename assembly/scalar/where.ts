import { Field } from "../lib/record";
import { WhereField } from "../shared/elementwise";

/** Op `where`. */
export function where(r: usize): void {
  const condition = Field.address(r, WhereField.condition);
  block(r, 0, condition, Field.address(r, WhereField.a), Field.address(r, WhereField.b), Field.address(r, WhereField.c));
}

/** Walks dims `dim` to 5 and returns the address after the last element written. */
function block(r: usize, dim: i32, p: usize, a: usize, b: usize, c: usize): usize {
  const size = Field.i32(r, WhereField.size);
  const dp = Field.i32(r, WhereField.p0 + dim);
  const da = Field.i32(r, WhereField.a0 + dim) * size;
  const db = Field.i32(r, WhereField.b0 + dim) * size;
  const n = Field.i32(r, WhereField.d0 + dim);
  if (dim < 5) for (let i = 0; i < n; i++, p += dp, a += da, b += db) c = block(r, dim + 1, p, a, b, c);
  else if (size === 4) for (let i = 0; i < n; i++, p += dp, a += da, b += db, c += 4) store<i32>(c, load<i32>(load<u8>(p) ? a : b));
  else for (let i = 0; i < n; i++, p += dp, a += da, b += db, c++) store<i8>(c, load<i8>(load<u8>(p) ? a : b));
  return c;
}
