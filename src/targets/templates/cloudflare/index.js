import { load } from "./edgepack.js";
import { handle } from "./handler.js";
import pack from "./model.bin";
import wasm from "./simd.wasm";

/**
 * Loaded by the first request and kept for the life of the isolate; nothing is done at start-up.
 * @type {Promise<import("./model.js").ThisModel> | undefined}
 */
let model;

/** The model, for code of your own in this Worker: `(await getModel()).run({ … })`. */
export function getModel() {
  model ??= load(pack, { wasm });
  return model;
}

export default {
  /** @param {Request} request */
  fetch(request) {
    return handle(request, getModel);
  },
};
