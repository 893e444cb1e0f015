/** The runtime: loads a `.epk` and runs it. No dependency, nothing of Node; runs wherever WebAssembly does. */
export { EdgepackError } from "../errors.ts";
export { type LoadOptions, load } from "./load.ts";
export { type InputInfo, Model, type OutputInfo, type TypedArray, type Values } from "./model.ts";
export type { Source } from "./source.ts";
export { type Ranked, topK } from "./top.ts";
export type { WasmSource } from "./wasm.ts";
