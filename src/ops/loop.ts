import type { Node } from "../graph/graph.ts";
import { elementCount, f32, formatType, i64, type Tensor, type TensorType, tensor, withShape, zeros } from "../tensor/index.ts";
import { attr, type Body, type BodyOutputs, defineOp, type InferContext, type Subgraphs, wave } from "./define.ts";
import { exampleGraph } from "./example-graph.ts";
import { lowerIteration } from "./iterate.ts";
import { CAPTURES, COUNTER, checkCounts, checkState, flag, graphOf } from "./subgraph.ts";

/** Exporters write the largest i64 where there is no limit. */
const FOREVER = 2 ** 31 - 1;

/** Inputs by what they are: limit and condition (either may be absent), values that go from one iteration to the next, captures. */
function partsOf(node: Node) {
  const rest = node.inputs.slice(2);
  const states = rest.length - (node.attrs.captures as number);
  return { body: graphOf(node, "body"), states, state: rest.slice(0, states), captures: rest.slice(states) };
}

/** Inside an iteration the condition is true, or there would be no iteration. */
function bodyOf({ node, inputs, constant }: InferContext): Body {
  const { body, states } = partsOf(node);
  if (states < 0) throw new RangeError("it has fewer inputs than captures");
  const [limit, initial] = inputs;
  if (limit && ((limit.dtype !== "i64" && limit.dtype !== "i32") || elementCount(limit.shape) !== 1))
    throw new RangeError(`its limit must be one integer, is ${formatType(limit)}`);
  if (initial && (initial.dtype !== "bool" || elementCount(initial.shape) !== 1))
    throw new RangeError(`its condition must be one bool, is ${formatType(initial)}`);
  const given = inputs.slice(2).map((type, i) => ({ type: type!, value: i < states ? undefined : constant(i + 2) }));
  checkCounts(body, given.length + 2, node.outputs.length + 1);
  const condition: TensorType = { dtype: "bool", shape: [] };
  return { attr: "body", graph: body, inputs: [{ type: COUNTER }, { type: condition, value: flag(true) }, ...given] };
}

/** The number of iterations, where the limit is known; undefined where it is not, or where there is none. */
function limitOf({ inputs, constant }: Pick<InferContext, "inputs" | "constant">): number | undefined {
  const limit = inputs[0] && constant(0);
  return limit && Math.max(0, limit.data[0]);
}

const startsTrue = ({ inputs, constant }: Pick<InferContext, "inputs" | "constant">): boolean =>
  !inputs[1] || (constant(1)?.data[0] ?? 0) !== 0;

/** Whether the body says at every iteration that there is to be another; `outputs` are its outputs, where they can be had. */
function goesOn(body: Body, outputs?: BodyOutputs): boolean {
  const said = outputs?.[0].value;
  if (said) return said.data[0] !== 0;
  const { graph } = body;
  const writers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  let name = graph.outputs[0];
  for (let node = writers.get(name); node && (node.op === "Identity" || node.op === "Cast"); node = writers.get(name))
    name = node.inputs[0];
  if (name === graph.inputs[1]) return true;
  const known = graph.constants.get(name) ?? (writers.get(name)?.op === "Constant" ? writers.get(name)!.attrs.value : undefined);
  return known !== undefined && (known as Tensor).data[0] !== 0;
}

/** Whether all iterations that the limit allows take place. */
const runsThrough = (ctx: InferContext, outputs?: BodyOutputs): boolean => startsTrue(ctx) && goesOn(bodyOf(ctx), outputs);

/**
 * A body that runs again and again, at most as often as the first input says and as long as its first output is true. What it puts out beside
 * the values it carries is stacked; where the loop may end early, the stack has as many places as the limit, and a true length.
 */
export const Loop = defineOp({
  attrs: { body: attr.required(attr.graph()), ...CAPTURES },
  arity: [0, Number.POSITIVE_INFINITY],
  variadicOutputs: true,
  tolerance: "exact",
  bodies: (ctx) => [bodyOf(ctx)],
  infer: (ctx, subgraphs) => {
    const body = bodyOf(ctx);
    const { states } = partsOf(ctx.node);
    const inferred = subgraphs.infer(body);
    const outputs = inferred.map(({ type }) => type);
    if (outputs[0].dtype !== "bool") throw new RangeError("the first output of its body must be a bool");
    const state = outputs.slice(1, 1 + states);
    checkState(
      body.inputs.slice(2, 2 + states).map(({ type }) => type),
      state,
    );
    const scans = outputs.slice(1 + states);
    const limit = limitOf(ctx);
    const through = runsThrough(ctx, inferred);
    if (!ctx.inputs[0] && through)
      throw new RangeError("it has neither a limit nor a condition that could become false, so it would never end");
    if (scans.length > 0 && limit === undefined)
      throw new RangeError("the number of its iterations must be known when the model is packed, since its outputs are stacked");
    const bound = through ? undefined : { axis: 0, zeros: true };
    return [...state, ...scans.map((type) => ({ ...withShape(type, [limit!, ...type.shape]), ...(bound && { bound }) }))];
  },
  eval: ({ node, inputs }, subgraphs) => {
    const { body, states } = partsOf(node);
    const most = inputs[0]?.data[0] ?? Number.POSITIVE_INFINITY;
    let state = inputs.slice(2, 2 + states) as Tensor[];
    const captures = inputs.slice(2 + states) as Tensor[];
    const stacks: Tensor[][] = node.outputs.slice(states).map(() => []);
    let goes = inputs[1]?.data[0] !== 0;
    for (let i = 0; goes && i < most; i++) {
      const [condition, ...rest] = subgraphs.evaluate(body, [i64([i], []), flag(true), ...state, ...captures]);
      state = rest.slice(0, states);
      stacks.forEach((stack, k) => void stack.push(rest[states + k]));
      goes = condition.data[0] !== 0;
    }
    const none = (k: number) => Loop.infer({ node, inputs, constant: (index) => inputs[index] }, subgraphs)[states + k];
    return [...state, ...stacks.map((stack, k) => stacked(stack, () => none(k)))];
  },
  inline: (ctx, subgraphs) => {
    const { body, state, captures, states } = partsOf(ctx.node);
    const limit = limitOf(ctx);
    const stacks: string[][] = ctx.node.outputs.slice(states).map(() => []);
    if (limit === undefined || (limit === 0 && stacks.length > 0)) return false;
    const outputs = inferable(ctx, subgraphs);
    if (!runsThrough(ctx, outputs) || !ctx.fits(body, limit, !outputs)) return false;
    let current: readonly string[] = state;
    const truth = ctx.value(flag(true));
    const first = ctx.value(i64([0]));
    for (let i = 0; i < limit; i++) {
      const results = ctx.body(body, [ctx.value(i64([i], [])), truth, ...current, ...captures]);
      current = results.slice(1, 1 + states);
      stacks.forEach((stack, k) => void stack.push(ctx.add("Unsqueeze", [results[1 + states + k], first])));
    }
    ctx.node.outputs.forEach((output, i) => {
      if (i < states) ctx.add("Identity", [current[i]], {}, [output]);
      else ctx.add("Concat", stacks[i - states], { axis: 0 }, [output]);
    });
    return true;
  },
  lower: (ctx) => {
    const { node } = ctx;
    const { body, states, state, captures } = partsOf(node);
    const [limit, condition] = [node.inputs[0] ?? "", node.inputs[1] ?? ""];
    const inputs = node.inputs.map((name) => (name === "" ? undefined : ctx.type(name)));
    const given: InferContext = { node, inputs, constant: (i) => (node.inputs[i] ? ctx.constant(node.inputs[i]) : undefined) };
    const through = runsThrough(given);
    const known = limitOf(given);
    lowerIteration(ctx, {
      body,
      limit: limit === "" ? undefined : known === undefined ? ctx.place(limit) : ctx.image(Int32Array.of(Math.min(known, FOREVER))),
      most: known !== undefined && known < FOREVER ? known : undefined,
      condition: through ? "always" : condition === "" ? "after" : ctx.place(condition),
      formals: "counter and condition",
      state,
      scanned: [],
      captures,
      reversed: node.outputs.slice(states).map(() => false),
    });
  },
  cases: [
    {
      name: "a known number of times, unrolled",
      inputs: [i64([3], []), undefined, wave([2])],
      attrs: { body: exampleGraph(["i", "go", "x"], [["Add", "x x", "y"]], "go y y") },
      constants: [0],
      outputs: 2,
    },
    {
      name: "many times, with a capture",
      inputs: [i64([200], []), undefined, wave([2]), wave([2], 3)],
      attrs: {
        captures: 1,
        body: exampleGraph(
          ["i", "go", "x", "c"],
          [
            ["Mul", "x c", "a"],
            ["Add", "a c", "y"],
          ],
          "go y a",
        ),
      },
      constants: [0],
      outputs: 2,
    },
    {
      name: "values that change places",
      inputs: [i64([201], []), tensor("bool", [1], []), wave([2]), wave([2], 3)],
      attrs: { body: exampleGraph(["i", "go", "x", "y"], [], "go y x x") },
      constants: [0, 1],
      outputs: 3,
    },
    {
      name: "a number of times known at run time",
      inputs: [i64([5], []), undefined, wave([2])],
      attrs: { body: exampleGraph(["i", "go", "x"], [["Add", "x one", "y"]], "go y", { one: f32([1]) }) },
    },
    {
      name: "until a condition, with a stack that ends early",
      inputs: [i64([10], []), tensor("bool", [1], []), f32([0.5], [1])],
      attrs: {
        body: exampleGraph(
          ["i", "go", "x"],
          [
            ["Add", "x x", "y"],
            ["Less", "y limit", "less"],
            ["Squeeze", "less", "again"],
          ],
          "again y y",
          { limit: f32([7]) },
        ),
      },
      constants: [0, 1],
      outputs: 2,
    },
    {
      name: "no times, with a stack of nothing",
      inputs: [i64([0], []), undefined, wave([2])],
      attrs: { body: exampleGraph(["i", "go", "x"], [["Add", "x x", "y"]], "go y y") },
      constants: [0],
      outputs: 2,
    },
    {
      name: "until a condition alone",
      inputs: [i64([2 ** 53], []), tensor("bool", [1], []), f32([0.5], [1])],
      attrs: {
        body: exampleGraph(
          ["i", "go", "x"],
          [
            ["Add", "x x", "y"],
            ["Less", "y limit", "less"],
            ["Squeeze", "less", "again"],
          ],
          "again y",
          { limit: f32([7]) },
        ),
      },
      constants: [0, 1],
    },
    {
      name: "a loop in a loop, which reads what changes around it",
      inputs: [i64([40], []), undefined, wave([2]), wave([2], 3)],
      attrs: {
        captures: 1,
        body: exampleGraph(
          ["i", "go", "x", "c"],
          [
            ["Mul", "x c", "p"],
            [
              "Loop",
              "five _ c p",
              "q",
              {
                captures: 1,
                body: exampleGraph(
                  ["j", "on", "s", "t"],
                  [
                    ["Add", "s t", "u"],
                    ["Mul", "u half", "v"],
                  ],
                  "on v",
                  { half: f32([0.5]) },
                ),
              },
            ],
            ["Add", "q p", "y"],
          ],
          "go y q",
          { five: i64([50], []) },
        ),
      },
      constants: [0],
      outputs: 2,
    },
    {
      name: "not at all",
      inputs: [i64([5], []), tensor("bool", [0], []), wave([2])],
      attrs: { body: exampleGraph(["i", "go", "x"], [["Add", "x x", "y"]], "go y") },
    },
  ],
});

/** The body's outputs, where they have types though the counter is not known. */
function inferable(ctx: InferContext, subgraphs: Subgraphs): BodyOutputs | undefined {
  try {
    return subgraphs.infer(bodyOf(ctx));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Results of the iterations one behind the other; `none` gives the type of a stack that nothing was put on. */
function stacked(parts: readonly Tensor[], none: () => TensorType): Tensor {
  const type = parts.length > 0 ? withShape(parts[0], [0, ...parts[0].shape]) : none();
  const out = zeros(withShape(type, [parts.length, ...type.shape.slice(1)]));
  parts.forEach((part, i) => {
    out.data.set(part.data, i * elementCount(part.shape));
  });
  return out;
}
