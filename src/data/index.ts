export { type DataItem, type Dataset, type InputSpec, type ItemData, type OpenOptions, type Part, readItems } from "./dataset.ts";
export { openDataset } from "./open.ts";
export { mulberry32, sampleIndices } from "./sample.ts";
export { syntheticDataset } from "./synthetic.ts";
