/** The table of operators: one line a file; each exported name is an ONNX op_type. */
import type { OpDef } from "./define.ts";
import * as operators from "./index.ts";

export * from "./arg.ts";
export * from "./batchnorm.ts";
export * from "./binary.ts";
export * from "./bitwise.ts";
export * from "./by-element.ts";
export * from "./by-point.ts";
export * from "./cast.ts";
export * from "./compress.ts";
export * from "./concat.ts";
export * from "./constant.ts";
export * from "./conv.ts";
export * from "./cumsum.ts";
export * from "./depth-to-space.ts";
export * from "./expand.ts";
export * from "./gather.ts";
export * from "./gemm.ts";
export * from "./grid.ts";
export * from "./if.ts";
export * from "./integer.ts";
export * from "./layernorm.ts";
export * from "./logic.ts";
export * from "./loop.ts";
export * from "./lp.ts";
export * from "./lrn.ts";
export * from "./matmul.ts";
export * from "./mod.ts";
export * from "./non-max-suppression.ts";
export * from "./non-zero.ts";
export * from "./normalization.ts";
export * from "./one-hot.ts";
export * from "./pad.ts";
export * from "./pool.ts";
export * from "./pow.ts";
export * from "./prelu.ts";
export * from "./qlinear.ts";
export * from "./quantize.ts";
export * from "./range.ts";
export * from "./reduce.ts";
export * from "./reshape.ts";
export * from "./reverse-sequence.ts";
export * from "./scan.ts";
export * from "./shape.ts";
export * from "./slice.ts";
export * from "./softmax.ts";
export * from "./special-values.ts";
export * from "./split.ts";
export * from "./tile.ts";
export * from "./top-k.ts";
export * from "./transpose.ts";
export * from "./unary.ts";
export * from "./unique.ts";
export * from "./variadic.ts";
export * from "./where.ts";

/** What edgepack knows of an operator, or undefined where it knows none of that name. */
export function opOf(name: string): OpDef | undefined {
  const found: unknown = (operators as Record<string, unknown>)[name];
  return typeof found === "object" ? (found as OpDef) : undefined;
}
