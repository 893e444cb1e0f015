export * from "./dtype.ts";
export * from "./grid.ts";
export * from "./half.ts";
export * from "./shape.ts";
export * from "./tensor.ts";
