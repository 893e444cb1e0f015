import { load } from "./edgepack.js";
import { handle } from "./handler.js";
import type { ThisModel } from "./model.d.ts";

const file = (name: string) => Deno.readFile(new URL(name, import.meta.url));

async function open(): Promise<ThisModel> {
  const [pack, wasm] = await Promise.all([file("./model.bin"), file("./simd.wasm")]);
  return await load(pack, { wasm: await WebAssembly.compile(wasm) });
}

let model: Promise<ThisModel> | undefined;

/** The model, for code of your own: loaded once, by whoever asks first. */
export function getModel(): Promise<ThisModel> {
  model ??= open();
  return model;
}

if (import.meta.main) Deno.serve((request) => handle(request, getModel));
