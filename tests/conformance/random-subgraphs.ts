/** Random branches and loops over reals. Their bodies compute element by element, and end in a function that keeps values within −1..1. */
import { exampleGraph } from "../../src/ops/example-graph.ts";
import { f32, i64, tensor } from "../../src/tensor/index.ts";
import { type Draft, type Maker, stretched } from "./random-draft.ts";

type Nodes = Parameters<typeof exampleGraph>[1];

/** Steps from `from` to `to`, which read the captures c and k and the constant half. */
function steps(d: Draft, from: string, to: string): Nodes {
  const wide: Nodes = [
    [d.one(["Add", "Sub", "Mul", "Max"]), d.one([`${from} c`, `c ${from}`, `${from} k`]), "w"],
    [d.one(["Abs", "Neg", "Sigmoid", "Relu"]), from, "w"],
    ["Mul", `${from} half`, "w"],
  ];
  return [d.one(wide), [d.one(["Tanh", "Softsign"]), "w", to]];
}

const HALF = { half: f32([0.5], []) };

/** Two values to capture that broadcast to the shape of x. */
const captures = (d: Draft, x: string): string[] => [d.reals(stretched(d, d.shape(x))), d.one([() => d.reals([]), () => x])()];

const branch: Maker = (d, x) => {
  const computed = d.valueOf(["bool"]);
  const flat = computed && d.add("Reshape", [computed, d.ints([-1])]);
  const one = flat && d.shape(flat)[0] > 0 ? d.add("Gather", [flat, d.ints([0])]) : undefined;
  const condition = one ?? d.constant(tensor("bool", [d.below(2)], []));
  const body = () => exampleGraph(["x", "c", "k"], steps(d, "x", "y"), "y", HALF);
  d.add("If", [condition, x, ...captures(d, x)], { then_branch: body(), else_branch: body(), captures: 3 });
};

const loop: Maker = (d, x) => {
  const stacks = d.below(2) === 0;
  const counted = d.valueOf(["i64"]);
  const flat = counted && !stacks ? d.add("Reshape", [counted, d.ints([-1])]) : undefined;
  const first = flat && d.shape(flat)[0] > 0 ? d.add("Gather", [flat, d.constant(i64([0], []))]) : undefined;
  const limit = (first && d.add("Mod", [first, d.constant(i64([7], []))])) ?? d.constant(i64([d.one([0, 1, 3, 70])], []));
  const body = exampleGraph(["i", "go", "s", "c", "k"], steps(d, "s", "t"), stacks ? "go t t" : "go t", HALF);
  d.add("Loop", [limit, "", x, ...captures(d, x)], { body, captures: 2 }, stacks ? 2 : 1);
};

const scan: Maker = (d, x, shape) => {
  if (shape.length === 0 || shape[0] === 0) return;
  const start = d.reals(shape.slice(1));
  const body = exampleGraph(["s", "x", "c", "k"], [["Add", "s x", "a"], ...steps(d, "a", "t")], "t t", HALF);
  const attrs = { body, captures: 2, num_scan_inputs: 1, scan_input_directions: [d.below(2)], scan_output_directions: [d.below(2)] };
  d.add("Scan", [start, x, d.reals(stretched(d, shape.slice(1))), d.reals([])], attrs, 2);
};

export const SUBGRAPH_MAKERS: readonly Maker[] = [branch, loop, scan];
