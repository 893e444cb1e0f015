import { f32 } from "../tensor/index.ts";
import { attr, wave } from "./define.ts";
import { defineFunction } from "./function.ts";

/** x · sigmoid(alpha · x); with alpha 1 also known as SiLU. */
export const Swish = defineFunction({
  attrs: { alpha: attr.float(1) },
  arity: [1, 1],
  tolerance: 1e-5,
  body({ node, add, value }) {
    const [x] = node.inputs;
    const alpha = node.attrs.alpha as number;
    const scaled = alpha === 1 ? x : add("Mul", [x, value(f32([alpha], []))]);
    add("Mul", [x, add("Sigmoid", [scaled])], {}, node.outputs);
  },
  cases: [
    { name: "line", inputs: [wave([19])] },
    { name: "a factor", inputs: [wave([2, 3])], attrs: { alpha: 1.702 } },
  ],
});
