/** What the IR has and ONNX (opset 17) has not: set by passes, never read from a model, never written to one. */

/** Fused activations and memory layouts. */
export const IR_ONLY_ATTRS: ReadonlySet<string> = new Set(["min", "max", "layout"]);

/** Operators of later opsets or of none. */
export const IR_ONLY_OPS: ReadonlySet<string> = new Set(["Silu"]);

/** Operators that take more inputs in the IR than in ONNX (a bias), and how many ONNX gives them. */
export const FEWER_INPUTS: ReadonlyMap<string, number> = new Map([["MatMul", 2]]);
