import { load as loadPack } from "./edgepack.js";

export { EdgepackError, topK } from "./edgepack.js";

/**
 * Fetches the kernels that this browser can run and this package's model, and loads it.
 * The addresses are written out so that bundlers find the files.
 * @returns {Promise<import("./model.js").ThisModel>}
 */
export async function load() {
  return await loadPack(new URL("./model.bin", import.meta.url), {
    wasm: { simd: new URL("./simd.wasm", import.meta.url), scalar: new URL("./scalar.wasm", import.meta.url) },
  });
}
