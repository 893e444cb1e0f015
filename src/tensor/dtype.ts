/**
 * Element types of the IR. 64-bit integers are held as doubles: ONNX uses them for shapes, indices and sentinels such as
 * INT64_MAX, so values past ±2^53 saturate there on import. f16 and f64 become f32 on import.
 */
export type DType = "f32" | "i8" | "u8" | "i32" | "i64" | "bool";

export type TensorData = Float32Array | Float64Array | Int8Array | Uint8Array | Int32Array;

interface DTypeInfo {
  readonly bytes: number;
  readonly array: { new (n: number): TensorData; from(x: ArrayLike<number>): TensorData };
}

/** `bytes` is the size of an element in wasm memory (i64 narrows to i32 there). */
export const DTYPES: { readonly [K in DType]: DTypeInfo } = {
  f32: { bytes: 4, array: Float32Array },
  i8: { bytes: 1, array: Int8Array },
  u8: { bytes: 1, array: Uint8Array },
  i32: { bytes: 4, array: Int32Array },
  i64: { bytes: 4, array: Float64Array },
  bool: { bytes: 1, array: Uint8Array },
};
