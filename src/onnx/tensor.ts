/** TensorProto to Tensor and back: element types, raw and typed data, data in files beside the model. */
import { ELEMENT_CODES, ELEMENT_TYPES, elementTypeName, NIBBLES } from "../ops/element-type.ts";
import { DTYPES, fromBfloat16, fromFloat16, type Tensor, type TensorData } from "../tensor/index.ts";
import type { TENSOR, TensorProto } from "./schema.ts";
import type { Draft } from "./wire.ts";

/** Reads the file that external data lies in, by its location relative to the model's folder; throws where it is not there. */
export type External = (location: string) => Uint8Array;

const MAX_EXACT = 2n ** 53n;
const clampBig = (v: bigint) => Number(v > MAX_EXACT ? MAX_EXACT : v < -MAX_EXACT ? -MAX_EXACT : v);

interface Storage {
  readonly bytes: number;
  read(view: DataView, at: number): number;
  /** The field that holds elements when there is no raw data, and how one of its numbers is turned into an element. */
  readonly typed: "floatData" | "int32Data" | "int64Data" | "doubleData" | "uint64Data";
  readonly from?: (value: number) => number;
}

/** How elements lie in a file, by ONNX's code (little-endian). */
const STORAGE: ReadonlyMap<number, Storage> = new Map([
  [1, { bytes: 4, read: (v, at) => v.getFloat32(at, true), typed: "floatData" }],
  [2, { bytes: 1, read: (v, at) => v.getUint8(at), typed: "int32Data" }],
  [3, { bytes: 1, read: (v, at) => v.getInt8(at), typed: "int32Data" }],
  [4, { bytes: 2, read: (v, at) => v.getUint16(at, true), typed: "int32Data" }],
  [5, { bytes: 2, read: (v, at) => v.getInt16(at, true), typed: "int32Data" }],
  [6, { bytes: 4, read: (v, at) => v.getInt32(at, true), typed: "int32Data" }],
  [7, { bytes: 8, read: (v, at) => clampBig(v.getBigInt64(at, true)), typed: "int64Data" }],
  [9, { bytes: 1, read: (v, at) => (v.getUint8(at) ? 1 : 0), typed: "int32Data", from: (x) => (x ? 1 : 0) }],
  [10, { bytes: 2, read: (v, at) => fromFloat16(v.getUint16(at, true)), typed: "int32Data", from: fromFloat16 }],
  [11, { bytes: 8, read: (v, at) => v.getFloat64(at, true), typed: "doubleData" }],
  [12, { bytes: 4, read: (v, at) => v.getUint32(at, true), typed: "uint64Data" }],
  [13, { bytes: 8, read: (v, at) => clampBig(v.getBigUint64(at, true)), typed: "uint64Data" }],
  [16, { bytes: 2, read: (v, at) => fromBfloat16(v.getUint16(at, true)), typed: "int32Data", from: fromBfloat16 }],
  [21, { bytes: 1, read: (v, at) => v.getUint8(at), typed: "int32Data", from: (nibble) => nibble }],
  [22, { bytes: 1, read: (v, at) => v.getUint8(at), typed: "int32Data", from: (nibble) => (nibble ^ 8) - 8 }],
] satisfies [number, Storage][]);

/** ONNX's code of double, which loses digits as it becomes f32. */
export const DOUBLE = 11;

/**
 * Reads a tensor. The number of elements is checked against the data that is there before anything is allocated.
 * Throws RangeError with the reason.
 */
export function readTensor(proto: TensorProto, external: External | undefined): Tensor {
  const code = proto.dataType ?? 0;
  const element = ELEMENT_TYPES.get(code);
  const storage = STORAGE.get(code);
  if (!element || !storage) throw new RangeError(`element type ${elementTypeName(code)} is not supported`);
  const shape = proto.dims;
  if (shape.some((d) => d < 0)) throw new RangeError(`dimensions [${shape}] are negative`);
  const count = shape.reduce((n, d) => n * d, 1);
  const { array } = DTYPES[element.dtype];
  const nibbles = NIBBLES.has(code);
  const stored = nibbles ? Math.ceil(count / 2) : count;
  const raw = proto.dataLocation === 1 ? externalBytes(proto, external) : proto.rawData;
  if (raw) {
    if (raw.length !== stored * storage.bytes)
      throw new RangeError(`${raw.length} bytes of data for ${element.name}[${shape}], which takes ${stored * storage.bytes}`);
    if (nibbles) return { dtype: element.dtype, shape, data: array.from(unpacked(raw, count, storage)) };
    return { dtype: element.dtype, shape, data: readRaw(raw, storage, new array(count)) };
  }
  const typed = proto[storage.typed];
  if (typed.length !== stored) throw new RangeError(`${typed.length} elements of data for ${element.name}[${shape}], which has ${stored}`);
  if (nibbles) return { dtype: element.dtype, shape, data: array.from(unpacked(typed, count, storage)) };
  const { from } = storage;
  return { dtype: element.dtype, shape, data: array.from(from ? typed.map(from) : typed) };
}

/** Elements that lie two in a byte, the first in its lower half. */
function unpacked(bytes: ArrayLike<number>, count: number, { from }: Storage): number[] {
  return Array.from({ length: count }, (_, i) => from!((bytes[i >> 1] >> (4 * (i & 1))) & 15));
}

function readRaw(raw: Uint8Array, storage: Storage, data: TensorData): TensorData {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  for (let i = 0; i < data.length; i++) data[i] = storage.read(view, i * storage.bytes);
  return data;
}

function externalBytes(proto: TensorProto, external: External | undefined): Uint8Array {
  const entry = (key: string) => proto.externalData.find((e) => e.key === key)?.value;
  const location = entry("location") ?? "";
  if (location === "" || /^([/\\]|[a-zA-Z]:)/.test(location) || location.split(/[/\\]/).includes("..") || location.includes("\0"))
    throw new RangeError(`its data is said to lie in ${JSON.stringify(location)}, which is not a file in the model's folder`);
  if (!external) throw new RangeError(`its data lies in the file ${location}, which was not given with the model`);
  const file = external(location);
  const number = (key: string, fallback: number) => {
    const text = entry(key);
    if (text === undefined) return fallback;
    if (!/^\d{1,15}$/.test(text)) throw new RangeError(`${key} ${JSON.stringify(text)} of its external data is no number`);
    return Number(text);
  };
  const offset = number("offset", 0);
  const length = number("length", Math.max(0, file.length - offset));
  if (offset + length > file.length)
    throw new RangeError(`its data is bytes ${offset} to ${offset + length} of ${location}, which has only ${file.length}`);
  return file.subarray(offset, offset + length);
}

/** The IR's tensor as a TensorProto with raw data. */
export function writeTensor(name: string, { dtype, shape, data }: Tensor): Draft<typeof TENSOR> {
  const i64 = dtype === "i64";
  const raw = new Uint8Array(data.length * (i64 ? 8 : DTYPES[dtype].bytes));
  if (i64) {
    const view = new DataView(raw.buffer);
    data.forEach((value, i) => {
      view.setBigInt64(i * 8, BigInt(value), true);
    });
  } else {
    raw.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return { name, dims: shape, dataType: ELEMENT_CODES[dtype], rawData: raw };
}
