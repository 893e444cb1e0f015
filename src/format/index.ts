export type { PieceInfo } from "./decode.ts";
export type { InputPort, Meta, OutputPort, Pack, Port, Preprocess, Region } from "./image.ts";
export { type EpkSize, measureEpk, type RegionSize } from "./measure.ts";
export { type Epk, readEpk } from "./read.ts";
export { writeEpk } from "./write.ts";
