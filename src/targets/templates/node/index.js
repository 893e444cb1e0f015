import { readFile } from "node:fs/promises";
import { load as loadPack } from "./edgepack.js";

export { EdgepackError, topK } from "./edgepack.js";

/** @param {string} name */
const file = (name) => readFile(new URL(name, import.meta.url));

/**
 * Loads this package's model; every call gives one of its own, with memory of its own.
 * @returns {Promise<import("./model.js").ThisModel>}
 */
export async function load() {
  const [pack, simd, scalar] = await Promise.all(["./model.bin", "./simd.wasm", "./scalar.wasm"].map(file));
  return await loadPack(pack, { wasm: await WebAssembly.compile(WebAssembly.validate(simd) ? simd : scalar) });
}
