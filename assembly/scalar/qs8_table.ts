import { Field } from "../lib/record";
import { TableField } from "../shared/plan";

/** `c[i] = table[a[i] + 128]`. */
export function qs8_table(r: usize): void {
  const a = Field.address(r, TableField.a);
  const c = Field.address(r, TableField.c);
  const middle = Field.address(r, TableField.table) + 128;
  for (let i = 0, n = Field.i32(r, TableField.n); i < n; i++) store<i8>(c + i, load<i8>(middle + load<i8>(a + i)));
}
