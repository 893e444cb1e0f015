import { load as loadPack } from "./edgepack.js";

export { EdgepackError, topK } from "./edgepack.js";

/**
 * Loads this package's model; every call gives one of its own, with memory of its own.
 * @returns {Promise<import("./model.js").ThisModel>}
 */
export function load() {
  // The kernels lie beside edgepack.js, which finds them itself.
  return loadPack(new URL("./model.bin", import.meta.url));
}
