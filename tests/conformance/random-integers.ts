/** Random operators on integers and bools. No integer comes from a real, whose rounding would decide it, and none grows beyond what f32 holds. */

import { ELEMENT_CODES } from "../../src/ops/element-type.ts";
import { type DType, elementCount, f32, i64, tensor } from "../../src/tensor/index.ts";
import { axisOf, type Draft, type Maker, stretched, subset } from "./random-draft.ts";

/** Types of the integers that are computed with. */
export const WHOLE: readonly DType[] = ["i64", "i32"];

const BOUND = 97;

/** One number of the type that a value has. */
const number = (d: Draft, like: string, n: number): string => d.constant(tensor(d.type(like), [n], []));

/** Back to 0..96: what is read by later steps, in place of a value that may have grown. */
function settle(d: Draft, value: string | undefined): void {
  if (!value) return;
  d.hide(value);
  d.add("Mod", [value, number(d, value, BOUND)]);
}

const other = (d: Draft, x: string): string =>
  d.one([() => d.like(d.type(x), stretched(d, d.shape(x))), () => d.valueOf([d.type(x)])!, () => x])();

const arithmetic: Maker = (d, x) => settle(d, d.add(d.one(["Add", "Sub", "Mul", "Sum"]), [x, other(d, x)]));

const order: Maker = (d, x) => void d.add(d.one(["Min", "Max"]), [x, other(d, x)]);

const divide: Maker = (d, x) => {
  const divisor = d.add("Add", [d.add("Abs", [other(d, x)]) ?? x, d.like(d.type(x), [])]);
  const positive = divisor && d.add("Max", [divisor, number(d, x, 1)]);
  if (positive) d.add(d.one(["Div", "Mod"]), [x, positive]);
};

const sign: Maker = (d, x) => void d.add(d.one(["Neg", "Abs", "Sign"]), [x]);

const compare: Maker = (d, x) => void d.add(d.one(["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]), [x, other(d, x)]);

const convert: Maker = (d, x) => void d.add("Cast", [x], { to: ELEMENT_CODES[d.one<DType>(["f32", "f32", "i64", "i32", "bool"])] });

const reduce: Maker = (d, x, shape) => {
  const axes = subset(d, shape.length);
  const op = d.one(["ReduceSum", "ReduceMax", "ReduceMin"]);
  settle(d, d.add(op, [x], { axes: axes.length ? axes : undefined, keepdims: d.below(2) }));
};

const place: Maker = (d, x, shape) => {
  if (shape.length === 0 || elementCount(shape) === 0) return;
  const axis = axisOf(d, shape);
  d.one([
    () => void d.add(d.one(["ArgMax", "ArgMin"]), [x], { axis, keepdims: d.below(2), select_last_index: d.below(2) }),
    () => void d.add("TopK", [x, d.ints([d.between(1, shape.at(axis)!)])], { axis, largest: d.below(2) }, 2),
    () => settle(d, d.add("CumSum", [x, d.constant(i64([axis], []))], { exclusive: d.below(2), reverse: d.below(2) })),
  ])();
};

/** Integers as places along an axis of a value. */
const pick: Maker = (d, x) => {
  const from = d.valueOf(["f32", "i64", "i32", "bool"])!;
  const shape = d.shape(from);
  if (shape.length === 0 || elementCount(shape) === 0) return;
  const axis = axisOf(d, shape);
  const n = shape.at(axis)!;
  const places = d.add("Mod", [x, number(d, x, n)]);
  if (places) d.add("Gather", [from, places], { axis });
};

const spell: Maker = (d, x) => void d.add("OneHot", [x, d.ints([5]), d.constant(f32([-0.5, 1]))], { axis: -1 });

export const INTEGER_MAKERS: readonly Maker[] = [
  arithmetic,
  arithmetic,
  order,
  divide,
  sign,
  compare,
  convert,
  convert,
  reduce,
  place,
  pick,
  spell,
];

const logic: Maker = (d, x) => void (d.below(3) ? d.add(d.one(["And", "Or", "Xor", "Equal"]), [x, other(d, x)]) : d.add("Not", [x]));

/** These or those, by a bool that was computed. */
const choose: Maker = (d, x) => {
  const these = d.valueOf(["f32", "i64", "i32", "bool"])!;
  const those = other(d, these);
  d.add("Where", d.below(2) ? [x, these, those] : [x, those, these]);
};

export const BOOL_MAKERS: readonly Maker[] = [logic, choose, choose, convert];
