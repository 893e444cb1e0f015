import type { Port } from "../format/image.ts";
import { type ItemData, invalid } from "./dataset.ts";

const INTEGERS = {
  i8: [Int8Array, -128, 127],
  u8: [Uint8Array, 0, 255],
  bool: [Uint8Array, 0, 1],
  i32: [Int32Array, -(2 ** 31), 2 ** 31 - 1],
} as const;

/** Numbers as elements of a type; of an integer type they must be whole and fit. Throws DATA_INVALID, naming `path`. */
export function toElements(path: string, values: ArrayLike<number>, dtype: Port["dtype"]): ItemData {
  if (dtype === "f32") return values instanceof Float32Array ? values : Float32Array.from(values);
  const [array, lo, hi] = INTEGERS[dtype];
  for (let i = 0; i < values.length; i++)
    if (!(values[i] >= lo && values[i] <= hi && Number.isInteger(values[i])))
      throw invalid(path, `it holds values that do not fit ${dtype} (whole numbers in ${lo}..${hi}), as ${values[i]}`);
  return array.from(values);
}
