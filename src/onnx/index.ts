export { type OnnxModel, OPSETS, type ReadOptions, readOnnx } from "./read.ts";
export type { External } from "./tensor.ts";
export { writeOnnx } from "./write.ts";
