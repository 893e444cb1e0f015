export { type AugmentOptions, augment } from "./augment.ts";
export { checkLabels, clean, countsOf, examine, FAULTS, type Fault, type Finding, namesOf, readItems } from "./clean.ts";
export { type DataItem, type Dataset, type InputSpec, type ItemData, type OpenOptions, type Part, subset } from "./dataset.ts";
export { digestOf } from "./digest.ts";
export { RESIZE_MODES, type ResizeMode } from "./fit.ts";
export { openDataset } from "./open.ts";
export { mulberry32, sampleIndices } from "./sample.ts";
export { splitDataset, stratify } from "./split.ts";
export { syntheticDataset } from "./synthetic.ts";
