export * from "./dtype.ts";
export * from "./shape.ts";
export * from "./tensor.ts";
