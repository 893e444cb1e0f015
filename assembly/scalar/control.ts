import { Field } from "../lib/record";
import { CopyAtField, CountField, JumpBelowField, JumpField, JumpIfField } from "../shared/control";

/** Op `jump`: the record that comes next. */
export function jump(r: usize): usize {
  return r + ((<isize>Field.i32(r, JumpField.words)) << 2);
}

/** Op `jump_if`: the record that comes next, `next` where the condition does not hold. */
export function jump_if(r: usize, next: usize): usize {
  const at = Field.address(r, JumpIfField.cond);
  const found = Field.i32(r, JumpIfField.size) === 1 ? <i32>load<u8>(at) : load<i32>(at);
  return found === Field.i32(r, JumpIfField.value) ? jump(r) : next;
}

/** Op `jump_below`, likewise. */
export function jump_below(r: usize, next: usize): usize {
  return load<i32>(Field.address(r, JumpBelowField.a)) < load<i32>(Field.address(r, JumpBelowField.b)) ? jump(r) : next;
}

/** Op `count`. */
export function count(r: usize): void {
  const at = Field.address(r, CountField.at);
  store<i32>(at, load<i32>(at) + Field.i32(r, CountField.step));
}

/** Op `copy_at`. */
export function copy_at(r: usize): void {
  const src = Field.address(r, CopyAtField.src) + shift(r, CopyAtField.src_index, CopyAtField.src_step);
  const dst = Field.address(r, CopyAtField.dst) + shift(r, CopyAtField.dst_index, CopyAtField.dst_step);
  memory.copy(dst, src, Field.i32(r, CopyAtField.bytes));
}

function shift(r: usize, index: i32, step: i32): isize {
  const at = Field.address(r, index);
  return at === 0 ? 0 : <isize>(load<i32>(at) * Field.i32(r, step));
}
