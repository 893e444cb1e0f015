import { Field } from "../lib/record";
import { TableField } from "../shared/plan";

/** Op `qs8_table`: one load per element; sixteen `swizzle`s over the table's rows are no faster. */
export function qs8_table(r: usize): void {
  let a = Field.address(r, TableField.a);
  let c = Field.address(r, TableField.c);
  const middle = Field.address(r, TableField.table) + 128;
  const end = a + Field.i32(r, TableField.n);
  for (; a + 4 <= end; a += 4, c += 4) {
    store<u8>(c, load<u8>(middle + load<i8>(a)));
    store<u8>(c, load<u8>(middle + load<i8>(a, 1)), 1);
    store<u8>(c, load<u8>(middle + load<i8>(a, 2)), 2);
    store<u8>(c, load<u8>(middle + load<i8>(a, 3)), 3);
  }
  for (; a < end; a++, c++) store<u8>(c, load<u8>(middle + load<i8>(a)));
}
