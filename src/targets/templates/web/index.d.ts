import type { ThisModel } from "./model.js";

export { EdgepackError, topK } from "./edgepack.js";
export type { Inputs, Outputs } from "./model.js";

/** Loads this package's model; every call gives one of its own, with memory of its own. */
export declare function load(): Promise<ThisModel>;
