import { tensor } from "../tensor/index.ts";
import { attr, wave } from "./define.ts";
import { defineRecurrent, recurrentCase } from "./recurrent.ts";

/** Gates in the order z (update), r (reset), h (hidden): `h' = (1 − z) · ĥ + z · h`. */
export const GRU = defineRecurrent({
  gates: 3,
  states: 1,
  activations: ["Sigmoid", "Tanh"],
  attrs: { linear_before_reset: attr.int(0) },
  biasApart: (attrs) => attrs.linear_before_reset !== 0,
  write: ({ attrs, hidden, input, state: [h], recurrent, bias, add, split, gate }) => {
    const lengths = [2 * hidden, hidden];
    const [inputGates, inputHidden] = split(input, lengths);
    let candidate: string;
    let gates: string;
    if (attrs.linear_before_reset !== 0) {
      const product = add("MatMul", [h, recurrent]);
      const [own, ownHidden] = split(bias ? add("Add", [product, bias]) : product, lengths);
      gates = own;
      candidate = ownHidden;
    } else {
      const [weights, hiddenWeights] = split(recurrent, lengths);
      gates = add("MatMul", [h, weights]);
      candidate = hiddenWeights;
    }
    const [z, r] = split(gate(add("Add", [inputGates, gates]), 0), [hidden, hidden]);
    const recurrence = attrs.linear_before_reset !== 0 ? add("Mul", [r, candidate]) : add("MatMul", [add("Mul", [r, h]), candidate]);
    const proposed = gate(add("Add", [inputHidden, recurrence]), 1);
    return [add("Add", [proposed, add("Mul", [z, add("Sub", [h, proposed])])])];
  },
  eval: ({ attrs, hidden, state: [h], input, recurrent, gate }) => {
    const gateOf = (index: number) => Float32Array.from({ length: hidden }, (_, j) => gate(input(index, j) + recurrent(index, j, h), 0));
    const [z, r] = [gateOf(0), gateOf(1)];
    const reset = h.map((v, j) => v * r[j]);
    return [
      h.map((v, j) => {
        const recurrence = attrs.linear_before_reset !== 0 ? r[j] * recurrent(2, j, h) : recurrent(2, j, reset);
        return (1 - z[j]) * gate(input(2, j) + recurrence, 1) + z[j] * v;
      }),
    ];
  },
  cases: [
    recurrentCase("forward", 3, { length: 3, batch: 2, input: 4, hidden: 5 }),
    recurrentCase("linear before reset, many steps", 3, { length: 30, batch: 2, input: 4, hidden: 6 }, { linear_before_reset: 1 }),
    recurrentCase(
      "both ways, batch first, from a state",
      3,
      { length: 12, batch: 2, input: 4, hidden: 5 },
      { direction: "bidirectional", layout: 1 },
      [undefined, wave([2, 2, 5], 5)],
    ),
    recurrentCase("sequences of different lengths", 3, { length: 20, batch: 3, input: 2, hidden: 4 }, { linear_before_reset: 1 }, [
      tensor("i32", [20, 7, 1]),
    ]),
  ],
});
