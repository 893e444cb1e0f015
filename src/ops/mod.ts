import { ElementBinary } from "../../assembly/shared/elementwise.ts";
import { type DType, f32, tensor } from "../tensor/index.ts";
import { attr } from "./define.ts";
import { elementBinary } from "./element.ts";

const SIGNED = [-4, 7, 5, 4, -7, 8, 3] as const;
const DIVISORS = [2, -3, 8, -2, 3, 5, 0] as const;

const inputs = (dtype: DType) => [tensor(dtype, SIGNED), tensor(dtype, DIVISORS)];

/** The remainder, with the sign of the divisor, or of the dividend where `fmod` is 1. Of integers by 0 it is 0. */
export const Mod = elementBinary({
  attrs: { fmod: attr.int(0) },
  types: ["f32", "i64", "i32", "i8", "u8"],
  kind: ({ fmod }) => (fmod === 1 ? ElementBinary.fmod : ElementBinary.mod),
  compute: (a, b, { fmod }, dtype) => {
    if (b === 0 && dtype !== "f32") return 0;
    const rest = a % b;
    return fmod !== 1 && rest * b < 0 ? rest + b : rest;
  },
  cases: [0, 1].flatMap((fmod) => [
    { name: `i32 fmod ${fmod}`, attrs: { fmod }, inputs: inputs("i32") },
    { name: `i8 fmod ${fmod}`, attrs: { fmod }, inputs: inputs("i8") },
    {
      name: `f32 fmod ${fmod}`,
      attrs: { fmod },
      inputs: [f32([-4.25, 7.25, 5, 4.5, -7, 1e10]), f32([2, -3, 8.5, -2, 3, 0.3])],
    },
    { name: `u8 fmod ${fmod}`, attrs: { fmod }, inputs: [tensor("u8", [200, 7, 5]), tensor("u8", [3])] },
  ]),
});
