/** edgepack as a library: what the command line does, as functions. */
export { type BuildOptions, type BuildReport, type BuildResult, build, type LayerReport } from "./build.ts";
export { type Config, defineConfig } from "./cli/config.ts";
export { type Compressed, type CompressOptions, compress } from "./compress/compress.ts";
export type { Observer } from "./compress/observers.ts";
export type { StepSpec } from "./compress/recipe.ts";
export {
  type AugmentOptions,
  augment,
  clean,
  type Dataset,
  type Finding,
  openDataset,
  splitDataset,
  syntheticDataset,
} from "./data/index.ts";
export { EdgepackError, type ErrorCode } from "./errors.ts";
export { exportOnnx } from "./export.ts";
export type { Meta, Preprocess } from "./format/image.ts";
export type { Evidence, FullReport } from "./report/evidence.ts";
export { reportPage } from "./report/page.ts";
export { load, type Model, topK } from "./run/index.ts";
export { checkLimits, TARGETS, type TargetName, writeTarget } from "./targets/index.ts";
