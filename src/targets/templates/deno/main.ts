import { load } from "./edgepack.js";
import { handle } from "./handler.js";
import type { ThisModel } from "./model.d.ts";

let model: Promise<ThisModel> | undefined;

/** The model, for code of your own: loaded once, by whoever asks first. */
export function getModel(): Promise<ThisModel> {
  model ??= load(new URL("./model.bin", import.meta.url), { wasm: new URL("./simd.wasm", import.meta.url) });
  return model;
}

if (import.meta.main) Deno.serve((request) => handle(request, getModel));
