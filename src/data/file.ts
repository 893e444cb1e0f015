import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { constants, gunzipSync } from "node:zlib";
import { EdgepackError } from "../errors.ts";
import { invalid } from "./dataset.ts";
import { fileError } from "./file-error.ts";

/** Largest file read into memory at once. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/** Deflate's largest expansion: no stream grows by more. */
export const DEFLATE_MAX_RATIO = 1032;

function withFile<T>(path: string, use: (fd: number, size: number) => T): T {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    return use(fd, fstatSync(fd).size);
  } catch (error) {
    throw fileError(error, `${path} cannot be read`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The whole file. */
export function readBytes(path: string): Uint8Array {
  return withFile(path, (fd, size) => {
    if (size > MAX_FILE_BYTES) throw new EdgepackError("LIMIT", `${path} is ${size} bytes; edgepack reads files up to ${MAX_FILE_BYTES}`);
    const bytes = new Uint8Array(size);
    let filled = 0;
    for (let read = -1; filled < size && read !== 0; filled += read) read = readSync(fd, bytes, filled, size - filled, filled);
    return bytes.subarray(0, filled);
  });
}

/** The first `length` bytes, or fewer where the file ends before. */
export function readHead(path: string, length: number): Uint8Array {
  return withFile(path, (fd) => {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, 0));
  });
}

/** Whether `bytes` begin with `magic`. */
export function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return bytes.length >= magic.length && magic.every((b, i) => bytes[i] === b);
}

export const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** The first bytes of a gzip stream, unpacked; what they need is within the first 4 KB of it. */
export function gunzipHead(path: string, bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes.subarray(0, 4096), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    throw invalid(path, `not a gzip stream (${(error as Error).message})`, error);
  }
}

/** A gzip stream that must unpack to exactly `size` bytes; never allocates more. */
export function gunzipExactly(path: string, bytes: Uint8Array, size: number): Uint8Array {
  if (size > bytes.length * DEFLATE_MAX_RATIO)
    throw invalid(path, `its header announces ${size} bytes, but ${bytes.length} compressed bytes cannot hold so many`);
  let unpacked: Uint8Array;
  try {
    unpacked = gunzipSync(bytes, { maxOutputLength: size });
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw invalid(path, tooLong ? `unpacks to more than the ${size} bytes that its header announces` : (error as Error).message, error);
  }
  if (unpacked.length !== size) throw invalid(path, `unpacks to ${unpacked.length} bytes where its header announces ${size}`);
  return new Uint8Array(unpacked.buffer, unpacked.byteOffset, size);
}

/** The whole file, unpacked where it is a gzip stream. */
export function readUnpacked(path: string): Uint8Array {
  const bytes = readBytes(path);
  if (!startsWith(bytes, GZIP_MAGIC)) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.min(MAX_FILE_BYTES, Math.max(bytes.length, 64) * DEFLATE_MAX_RATIO) });
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw invalid(path, tooLong ? `unpacks to more than ${MAX_FILE_BYTES} bytes` : (error as Error).message, error);
  }
}
