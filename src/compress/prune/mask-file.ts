/** Masks as files: an `.npz` with a bool array of the constant's shape for each, which `numpy.load` reads. */
import { writeFileSync } from "node:fs";
import { zipSync } from "fflate";
import { readNpz } from "../../data/arrays.ts";
import { fileError } from "../../data/file-error.ts";
import { NPY_MAGIC } from "../../data/npy.ts";
import { EdgepackError } from "../../errors.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { Mask } from "./mask.ts";

/** Zip entries with this time, the earliest that the format knows, make equal masks equal files. */
const NO_TIME = new Date(1980, 0, 1);

/** The bytes of an `.npz`; equal masks give equal bytes. Names of constants are names of arrays. */
export function encodeMask(mask: Mask): Uint8Array {
  return zipSync(Object.fromEntries([...mask].map(([name, entry]) => [`${name}.npy`, npyOf(entry)])), { level: 9, mtime: NO_TIME });
}

/** Writes a mask to `path`. Throws FILE where that cannot be written. */
export function saveMask(path: string, mask: Mask): void {
  try {
    writeFileSync(path, encodeMask(mask));
  } catch (error) {
    throw fileError(error, `${path} cannot be written`);
  }
}

/** Reads what `saveMask` or numpy's `savez` wrote. Throws FILE, or DATA_INVALID with every array that is no mask; whether it fits a model is for `checkMask`. */
export function loadMask(path: string): Mask {
  const arrays = readNpz(path);
  const problems = [...arrays].flatMap(([name, { kind, data }]) => {
    if (kind !== "b" && kind !== "u") return [`${name} holds numbers of numpy kind ${kind}`];
    return data.every((bit: number) => bit === 0 || bit === 1) ? [] : [`${name} holds numbers beside 0 and 1`];
  });
  if (problems.length > 0)
    throw new EdgepackError("DATA_INVALID", `${path} is no mask, which holds bool arrays, True where a weight is removed:`, problems);
  return new Map([...arrays].map(([name, { shape, data }]) => [name, { dtype: "bool", shape, data: Uint8Array.from(data) }]));
}

function npyOf({ shape, data }: Tensor): Uint8Array {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '|b1', 'fortran_order': False, 'shape': (${dims}), }`;
  // Magic, version, length of the header and the header itself, with its line feed, fill a multiple of 64 bytes.
  const begin = NPY_MAGIC.length + 4;
  const length = Math.ceil((begin + header.length + 1) / 64) * 64 - begin;
  const bytes = new Uint8Array(begin + length + data.length);
  bytes.set([...NPY_MAGIC, 1, 0, length & 255, length >> 8]);
  bytes.set(new TextEncoder().encode(`${header.padEnd(length - 1)}\n`), begin);
  bytes.set(data, begin + length);
  return bytes;
}
