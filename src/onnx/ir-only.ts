/** What the IR has and ONNX (opset 17) has not: set by upgrades and passes, never taken from a model, never written to one. */
import type { AttrSpec } from "../ops/define.ts";

/** Fused activations, memory layouts, Softmax over all axes behind the first (its form before opset 13), and how many inputs are a subgraph's captures. */
const IR_ONLY_ATTRS: ReadonlySet<string> = new Set(["min", "max", "layout", "coerce", "captures"]);

/** Whether an attribute of this name and form is the IR's own; the layout of recurrent operators, which is a number, is ONNX's. */
export const isIrOnly = (name: string, spec: AttrSpec | undefined): boolean =>
  IR_ONLY_ATTRS.has(name) && !(name === "layout" && spec?.kind === "int");

/** Operators that take more inputs in the IR than in ONNX (a bias), and how many ONNX gives them. */
export const FEWER_INPUTS: ReadonlyMap<string, number> = new Map([["MatMul", 2]]);
