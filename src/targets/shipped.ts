import { brotliCompressSync, constants } from "node:zlib";
import type { Files } from "./target.ts";

/** A file of the runtime in a package, in bytes: as it is, and as servers send it. */
export interface ShippedFile {
  readonly path: string;
  readonly bytes: number;
  readonly brotli: number;
}

const RUNTIME = /(?:^|\/)(?:edgepack\.js|\w+\.wasm)$/;

const brotli = (data: Uint8Array | string): number =>
  brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }).length;

/** What a package ships besides the model: the script and the kernels, of which one `.wasm` is fetched. */
export function shippedRuntime(files: Files): ShippedFile[] {
  return [...files]
    .filter(([path]) => RUNTIME.test(path))
    .map(([path, data]) => ({ path, bytes: Buffer.byteLength(data), brotli: brotli(data) }))
    .sort((a, b) => b.bytes - a.bytes);
}
