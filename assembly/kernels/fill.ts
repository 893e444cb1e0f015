import { Field } from "../lib/record";
import { FillField } from "../shared/plan";
import { Lanes } from "./lanes";

/** Op `fill`. */
export function fill(r: usize): void {
  let dst = Field.address(r, FillField.dst);
  const n = Field.i32(r, FillField.count);
  const value = Field.i32(r, FillField.value);
  if (Field.i32(r, FillField.size) === 1) memory.fill(dst, <u8>value, n);
  else for (let i = n; i > 0; i -= 4, dst += 16) Lanes.store(dst, i32x4.splat(value), i);
}
