import { fromFloat16 } from "../tensor/index.ts";
import { invalid } from "./dataset.ts";
import { startsWith } from "./file.ts";

export const NPY_MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;

/** A numpy array in row-major order. `kind` is numpy's letter for the element type; halves and 64-bit integers are held as doubles. */
export interface NpyArray {
  readonly kind: "f" | "i" | "u" | "b";
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;
}

interface ElementType {
  /** What holds the elements; `native` where little-endian bytes can be copied into it as they are. */
  readonly native: boolean;
  readonly array: { new (n: number): NpyArray["data"] };
  read(view: DataView, at: number, little: boolean): number;
}

const TYPES: { readonly [descr: string]: ElementType } = {
  f2: { native: false, array: Float32Array, read: (v, at, le) => fromFloat16(v.getUint16(at, le)) },
  f4: { native: true, array: Float32Array, read: (v, at, le) => v.getFloat32(at, le) },
  f8: { native: true, array: Float64Array, read: (v, at, le) => v.getFloat64(at, le) },
  i1: { native: true, array: Int8Array, read: (v, at) => v.getInt8(at) },
  i2: { native: true, array: Int16Array, read: (v, at, le) => v.getInt16(at, le) },
  i4: { native: true, array: Int32Array, read: (v, at, le) => v.getInt32(at, le) },
  i8: { native: false, array: Float64Array, read: (v, at, le) => Number(v.getBigInt64(at, le)) },
  u1: { native: true, array: Uint8Array, read: (v, at) => v.getUint8(at) },
  u2: { native: true, array: Uint16Array, read: (v, at, le) => v.getUint16(at, le) },
  u4: { native: true, array: Uint32Array, read: (v, at, le) => v.getUint32(at, le) },
  u8: { native: false, array: Float64Array, read: (v, at, le) => Number(v.getBigUint64(at, le)) },
  b1: { native: true, array: Uint8Array, read: (v, at) => v.getUint8(at) },
};

const MOST_DIMS = 32;

interface Header {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  readonly end: number;
}

/** The header: a Python dict literal of three known keys (numpy.lib.format, versions 1 to 3). */
function readHeader(path: string, bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!startsWith(bytes, NPY_MAGIC) || bytes.length < 12) throw invalid(path, "not a .npy array");
  if (bytes[6] < 1 || bytes[6] > 3) throw invalid(path, `.npy version ${bytes[6]} is not known`);
  const [length, begin] = bytes[6] === 1 ? [view.getUint16(8, true), 10] : [view.getUint32(8, true), 12];
  if (length > 65535 || begin + length > bytes.length) throw invalid(path, "its header is longer than the file, or than 64 KB");
  const text = new TextDecoder().decode(bytes.subarray(begin, begin + length));
  const descr = /'descr'\s*:\s*'([^']{1,16})'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const dims = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (order === undefined || dims === undefined) throw invalid(path, "its header cannot be read");
  if (descr === undefined) throw invalid(path, "it holds records; only plain numbers are read");
  const shape = dims.split(",").flatMap((d) => (d.trim() === "" ? [] : [Number(d)]));
  if (shape.length > MOST_DIMS || !shape.every(Number.isSafeInteger)) throw invalid(path, `its shape (${dims}) cannot be`);
  return { descr, fortran: order === "True", shape, end: begin + length };
}

/** Index in column-major order of each element of a row-major walk. */
function* columnMajor(shape: readonly number[]): Generator<number> {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((n, d) => n * d, 1));
  const index = shape.map(() => 0);
  const count = shape.reduce((n, d) => n * d, 1);
  for (let i = 0, at = 0; i < count; i++) {
    yield at;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

/** Reads a `.npy` file: numbers and booleans, either byte order, either memory order. Throws DATA_INVALID, naming `path`. */
export function parseNpy(path: string, bytes: Uint8Array): NpyArray {
  const { descr, fortran, shape, end } = readHeader(path, bytes);
  const type = Object.hasOwn(TYPES, descr.slice(1)) ? TYPES[descr.slice(1)] : undefined;
  if (!type || !"<>|=".includes(descr[0])) throw invalid(path, `its elements are of numpy type ${descr}; only numbers are read`);
  const size = Number(descr[2]);
  const count = shape.reduce((n, d) => n * d, 1);
  if (count * size !== bytes.length - end)
    throw invalid(path, `its header announces ${shape.join("×") || "1"} elements of ${size} bytes, but ${bytes.length - end} bytes follow`);
  const kind = descr[1] as NpyArray["kind"];
  const data = new type.array(count);
  const little = descr[0] !== ">";
  if (type.native && little && !fortran) {
    new Uint8Array(data.buffer).set(bytes.subarray(end));
    return { kind, shape, data };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + end);
  if (fortran) {
    let i = 0;
    for (const from of columnMajor(shape)) data[i++] = type.read(view, from * size, little);
  } else for (let i = 0; i < count; i++) data[i] = type.read(view, i * size, little);
  return { kind, shape, data };
}
