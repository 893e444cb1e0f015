import { Field } from "../lib/record";
import { FillField } from "../shared/plan";

/** Op `fill`. */
export function fill(r: usize): void {
  const dst = Field.address(r, FillField.dst);
  const n = Field.i32(r, FillField.count);
  const value = Field.i32(r, FillField.value);
  const wide = Field.i32(r, FillField.size) !== 1;
  for (let i = 0; i < n; i++) {
    if (wide) store<i32>(dst + (i << 2), value);
    else store<i8>(dst + i, <i8>value);
  }
}
