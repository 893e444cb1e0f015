import { f32, tensor, zeros } from "../tensor/index.ts";
import { broadcastReader, commonShape } from "./broadcast.ts";
import { defineOp } from "./define.ts";

/** Per element the second input where the first is true, else the third; shape arithmetic only, so it folds away. */
export const Where = defineOp({
  attrs: {},
  arity: [3, 3],
  tolerance: "exact",
  infer: ({ inputs }) => {
    const [condition, a, b] = inputs;
    if (condition!.dtype !== "bool") throw new RangeError(`the condition must be bool, is ${condition!.dtype}`);
    if (a!.dtype !== b!.dtype) throw new RangeError(`the choices are ${a!.dtype} and ${b!.dtype}`);
    return [{ dtype: a!.dtype, shape: commonShape(inputs) }];
  },
  eval: ({ inputs }) => {
    const shape = commonShape(inputs);
    const out = zeros({ dtype: inputs[1]!.dtype, shape });
    const [condition, a, b] = inputs.map((x) => broadcastReader(x!, shape));
    for (let i = 0; i < out.data.length; i++) out.data[i] = condition(i) ? a(i) : b(i);
    return [out];
  },
  cases: [
    {
      name: "broadcast",
      inputs: [tensor("bool", [1, 0], [2, 1]), f32([1, 2, 3]), tensor("f32", [-1], [])],
      constants: [0, 1, 2],
    },
  ],
});
