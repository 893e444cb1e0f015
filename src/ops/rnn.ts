import { tensor } from "../tensor/index.ts";
import { wave } from "./define.ts";
import { defineRecurrent, recurrentCase } from "./recurrent.ts";

/** `h' = f(W·x + R·h + b)`. */
export const RNN = defineRecurrent({
  gates: 1,
  states: 1,
  activations: ["Tanh"],
  attrs: {},
  write: ({ input, state: [h], recurrent, add, gate }) => [gate(add("Add", [input, add("MatMul", [h, recurrent])]), 0)],
  eval: ({ hidden, state: [h], input, recurrent, gate }) => [
    Float32Array.from({ length: hidden }, (_, j) => gate(input(0, j) + recurrent(0, j, h), 0)),
  ],
  cases: [
    recurrentCase("forward", 1, { length: 3, batch: 2, input: 4, hidden: 5 }),
    recurrentCase("both ways, clipped", 1, { length: 60, batch: 2, input: 4, hidden: 5 }, { direction: "bidirectional", clip: 0.5 }),
    recurrentCase("batch first, going back", 1, { length: 3, batch: 2, input: 4, hidden: 5 }, { direction: "reverse", layout: 1 }),
    recurrentCase(
      "sequences of different lengths, going back",
      1,
      { length: 4, batch: 3, input: 2, hidden: 5 },
      { direction: "reverse", activations: ["ScaledTanh"], activation_alpha: [0.8], activation_beta: [1.5] },
      [tensor("i32", [4, 1, 0]), wave([1, 3, 5], 5)],
    ),
  ],
});
