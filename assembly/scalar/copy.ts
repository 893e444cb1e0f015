import { Field } from "../lib/record";
import { CopyField } from "../shared/plan";

/** Op `copy`. */
export function copy(r: usize): void {
  block(r, 0, Field.address(r, CopyField.src), Field.address(r, CopyField.dst), Field.i32(r, CopyField.size));
}

function block(r: usize, dim: i32, src: usize, dst: usize, size: i32): void {
  if (dim === 6) {
    if (size === 1) store<u8>(dst, load<u8>(src));
    else store<u32>(dst, load<u32>(src));
    return;
  }
  const from = Field.i32(r, CopyField.s0 + dim) * size;
  const to = Field.i32(r, CopyField.t0 + dim) * size;
  for (let n = Field.i32(r, CopyField.d0 + dim); n > 0; n--, src += from, dst += to) block(r, dim + 1, src, dst, size);
}
