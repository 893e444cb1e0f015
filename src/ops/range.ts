import { type Tensor, tensor } from "../tensor/index.ts";
import { defineOp } from "./define.ts";

function scalars(inputs: readonly (Tensor | undefined)[]): number[] {
  return inputs.map((input) => {
    if (!input) throw new RangeError("start, limit and delta must be known when the model is packed");
    if (input.data.length !== 1) throw new RangeError("start, limit and delta must be scalars");
    return input.data[0];
  });
}

function lengthOf([start, limit, delta]: number[]): number {
  if (delta === 0) throw new RangeError("delta is 0");
  return Math.max(0, Math.ceil((limit - start) / delta));
}

/** start, start + delta, … below limit. */
export const Range = defineOp({
  attrs: {},
  arity: [3, 3],
  tolerance: "exact",
  infer: ({ inputs, constant }) => [{ dtype: inputs[0]!.dtype, shape: [lengthOf(scalars([0, 1, 2].map(constant)))] }],
  eval: ({ inputs }) => {
    const [start, limit, delta] = scalars(inputs);
    const data = Array.from({ length: lengthOf([start, limit, delta]) }, (_, i) => start + i * delta);
    return [tensor(inputs[0]!.dtype, data)];
  },
  cases: [
    { name: "down", inputs: [10, 4, -2].map((v) => tensor("i64", [v], [])), constants: [0, 1, 2] },
    { name: "floats", inputs: [0, 1, 0.25].map((v) => tensor("f32", [v], [])), constants: [0, 1, 2] },
  ],
});
