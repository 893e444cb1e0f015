import { tensor } from "../tensor/index.ts";
import { attr, wave } from "./define.ts";
import { defineRecurrent, recurrentCase } from "./recurrent.ts";

/**
 * Gates in the order i (input), o (output), f (forget), c (cell): `c' = f · c + i · ĉ`, `h' = o · tanh(c')`; peepholes in the order i, o, f. As in
 * onnxruntime, `clip` bounds what goes into the gates, not what goes into the last tanh.
 */
export const LSTM = defineRecurrent({
  gates: 4,
  states: 2,
  activations: ["Sigmoid", "Tanh", "Tanh"],
  attrs: { input_forget: attr.int(0) },
  peepholes: 7,
  write: ({ attrs, hidden, input, state: [h, c], recurrent, peepholes, add, split, number, gate, activate }) => {
    const sum = add("Add", [input, add("MatMul", [h, recurrent])]);
    const coupled = attrs.input_forget !== 0;
    const cellOf = (i: string, f: string, proposed: string) =>
      add("Add", [add("Mul", [coupled ? add("Sub", [number(1), i]) : f, c]), add("Mul", [i, proposed])]);
    if (!peepholes) {
      const [gates, proposed] = split(sum, [3 * hidden, hidden]);
      const [i, o, f] = split(gate(gates, 0), [hidden, hidden, hidden]);
      const cell = cellOf(i, f, gate(proposed, 1));
      return [add("Mul", [o, activate(cell, 2)]), cell];
    }
    const [i, o, f, proposed] = split(sum, [hidden, hidden, hidden, hidden]);
    const [pi, po, pf] = split(peepholes, [hidden, hidden, hidden]);
    const peeping = (value: string, weight: string, of: string) => gate(add("Add", [value, add("Mul", [weight, of])]), 0);
    const cell = cellOf(peeping(i, pi, c), peeping(f, pf, c), gate(proposed, 1));
    return [add("Mul", [peeping(o, po, cell), activate(cell, 2)]), cell];
  },
  eval: ({ attrs, hidden, state: [h, c], peepholes, input, recurrent, gate, activate }) => {
    const sum = (gate: number, j: number) => input(gate, j) + recurrent(gate, j, h);
    const peep = (gate: number, j: number, value: number) => (peepholes ? peepholes[gate * hidden + j] * value : 0);
    const cell = c.map((value, j) => {
      const i = gate(sum(0, j) + peep(0, j, value), 0);
      const f = attrs.input_forget !== 0 ? 1 - i : gate(sum(2, j) + peep(2, j, value), 0);
      return f * value + i * gate(sum(3, j), 1);
    });
    const out = cell.map((value, j) => gate(sum(1, j) + peep(1, j, value), 0) * activate(value, 2));
    return [out, cell];
  },
  cases: [
    recurrentCase("one step", 4, { length: 1, batch: 1, input: 4, hidden: 8 }, {}, [undefined, wave([1, 1, 8], 5), wave([1, 1, 8], 6)], 3),
    recurrentCase("many steps", 4, { length: 40, batch: 2, input: 4, hidden: 5 }, {}, [], 3),
    recurrentCase(
      "both ways, batch first",
      4,
      { length: 9, batch: 2, input: 4, hidden: 5 },
      { direction: "bidirectional", layout: 1 },
      [],
      3,
    ),
    recurrentCase(
      "peepholes, clipped, sequences of different lengths",
      4,
      { length: 10, batch: 2, input: 4, hidden: 3 },
      { clip: 0.9 },
      [tensor("i32", [10, 4]), wave([1, 2, 3], 5), wave([1, 2, 3], 6), wave([1, 9], 7)],
      3,
    ),
    recurrentCase(
      "coupled gates, other activations",
      4,
      { length: 3, batch: 2, input: 4, hidden: 3 },
      { input_forget: 1, activations: ["HardSigmoid", "Softsign", "Affine"], activation_alpha: [0.3, 0.9], activation_beta: [0.4, 0.1] },
    ),
  ],
});
