import type { ThisModel } from "./model.js";

export { EdgepackError, topK } from "./edgepack.js";
export type { Inputs, Outputs } from "./model.js";

/** Fetches this package's kernels and model and loads it; every call gives a model of its own, with memory of its own. */
export declare function load(): Promise<ThisModel>;
