/** What the IR has and ONNX (opset 17) has not: set by upgrades and passes, never taken from a model, never written to one. */

/** Fused activations, memory layouts, and Softmax over all axes behind the first (its form before opset 13). */
export const IR_ONLY_ATTRS: ReadonlySet<string> = new Set(["min", "max", "layout", "coerce", "captures"]);

/** Operators of later opsets. */
export const LATER_OPS: ReadonlySet<string> = new Set(["Gelu"]);

/** Operators that take more inputs in the IR than in ONNX (a bias), and how many ONNX gives them. */
export const FEWER_INPUTS: ReadonlyMap<string, number> = new Map([["MatMul", 2]]);
