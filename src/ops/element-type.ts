import type { DType } from "../tensor/index.ts";

/** ONNX's codes of element types that edgepack reads, and what the IR holds them as. */
export const ELEMENT_TYPES: ReadonlyMap<number, { readonly name: string; readonly dtype: DType }> = new Map([
  [1, { name: "float", dtype: "f32" }],
  [2, { name: "uint8", dtype: "u8" }],
  [3, { name: "int8", dtype: "i8" }],
  [4, { name: "uint16", dtype: "i32" }],
  [5, { name: "int16", dtype: "i32" }],
  [6, { name: "int32", dtype: "i32" }],
  [7, { name: "int64", dtype: "i64" }],
  [9, { name: "bool", dtype: "bool" }],
  [10, { name: "float16", dtype: "f32" }],
  [11, { name: "double", dtype: "f32" }],
  [12, { name: "uint32", dtype: "i64" }],
  [13, { name: "uint64", dtype: "i64" }],
  [16, { name: "bfloat16", dtype: "f32" }],
  [21, { name: "uint4", dtype: "u8" }],
  [22, { name: "int4", dtype: "i8" }],
]);

/** Codes of 4-bit integers: constants hold them, nothing that is computed while the model runs does. */
export const NIBBLES: ReadonlySet<number> = new Set([21, 22]);

/** The code under which the IR's types are written. */
export const ELEMENT_CODES: { readonly [K in DType]: number } = { f32: 1, u8: 2, i8: 3, i32: 6, i64: 7, bool: 9 };

/** Names of codes that edgepack does not read. */
const OTHERS: ReadonlyMap<number, string> = new Map([
  [8, "string"],
  [14, "complex64"],
  [15, "complex128"],
  [17, "float8e4m3fn"],
  [18, "float8e4m3fnuz"],
  [19, "float8e5m2"],
  [20, "float8e5m2fnuz"],
  [23, "float4e2m1"],
  [24, "float8e8m0"],
  [25, "uint2"],
  [26, "int2"],
]);

/** The name of an element type for messages. */
export function elementTypeName(code: number): string {
  return ELEMENT_TYPES.get(code)?.name ?? OTHERS.get(code) ?? String(code);
}
