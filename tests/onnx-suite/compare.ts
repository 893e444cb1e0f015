/** Agreement as ONNX's own backend test asks for it. */
import type { OutputInfo, TypedArray } from "../../src/run/index.ts";
import { sameShape, shapeOfCount, type Tensor } from "../../src/tensor/index.ts";

const RELATIVE = 1e-3;
const ABSOLUTE = 1e-7;

/** What is wrong with an output, in a few words; undefined where nothing is. Integers and booleans agree exactly, NaN with NaN. */
export function mismatch({ name, dtype, shape: most, bound }: OutputInfo, actual: TypedArray, expected: Tensor): string | undefined {
  const shape = shapeOfCount(most, bound, actual.length);
  const wanted = expected.dtype === "i64" ? "i32" : expected.dtype;
  if (dtype !== wanted) return `${name} is ${dtype}, not ${wanted}`;
  if (!sameShape(shape, expected.shape)) return `${name} has shape [${shape}], not [${expected.shape}]`;
  let worst = -1;
  let worstError = 0;
  let wrong = 0;
  for (let i = 0; i < actual.length; i++) {
    const error = excess(actual[i], expected.data[i], dtype === "f32");
    if (error <= 0) continue;
    wrong++;
    if (worst >= 0 && error <= worstError) continue;
    [worst, worstError] = [i, error];
  }
  if (wrong === 0) return undefined;
  return `${name}: ${wrong} of ${actual.length} elements differ, most of all element ${worst}: ${actual[worst]}, not ${expected.data[worst]}`;
}

/** By how much a value is outside what is allowed; 0 or less where it is inside. */
function excess(actual: number, expected: number, real: boolean): number {
  if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) return 0;
  const difference = Math.abs(actual - expected);
  if (!Number.isFinite(difference)) return Number.POSITIVE_INFINITY;
  return real ? difference - (ABSOLUTE + RELATIVE * Math.abs(expected)) : difference;
}
