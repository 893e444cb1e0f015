import { f32, formatType, sameType, type Tensor, tensor } from "../tensor/index.ts";
import { attr, type Body, type BodyOutputs, defineOp, type InferContext, type Subgraphs, wave } from "./define.ts";
import { exampleGraph } from "./example-graph.ts";
import { copyBytes } from "./iterate.ts";
import type { Lowering } from "./lowering.ts";
import { CAPTURES, checkCounts, graphOf } from "./subgraph.ts";

const BRANCHES = ["else_branch", "then_branch"] as const;

/** The condition, where it is known. */
function taken({ constant }: Pick<InferContext, "constant">): (typeof BRANCHES)[number] | undefined {
  const condition = constant(0);
  return condition && BRANCHES[Number(condition.data[0] !== 0)];
}

const HINT = "if an input of the model decides which of them runs, fix it (--fix)";

/** `infer` and `fold` are asked in a row; asking every branch twice would double the work with each If that stands in another. */
const inferred = new WeakMap<InferContext, readonly BodyOutputs[]>();

/** The outputs of the branches that may run. Where one does not fit, another might be meant for these inputs: the error says so. */
function outputsOf(ctx: InferContext, subgraphs: Subgraphs): readonly BodyOutputs[] {
  let outputs = inferred.get(ctx);
  if (!outputs) {
    const given = bodies(ctx);
    try {
      outputs = given.map((body) => subgraphs.infer(body));
    } catch (error) {
      if (!(error instanceof RangeError) || taken(ctx)) throw error;
      throw new RangeError(`one of its branches does not fit: ${error.message}; ${HINT}`);
    }
    inferred.set(ctx, outputs);
  }
  return outputs;
}

function bodies(ctx: InferContext): readonly Body[] {
  const { node, inputs, constant } = ctx;
  if (inputs[0]!.dtype !== "bool" || inputs[0]!.shape.some((d) => d !== 1)) throw new RangeError("its condition must be one bool");
  const given = inputs.slice(1).map((type, i) => ({ type: type!, value: constant(i + 1) }));
  const only = taken(ctx);
  return BRANCHES.filter((branch) => !only || branch === only).map((name) => {
    checkCounts(graphOf(node, name), given.length, node.outputs.length);
    return { attr: name, graph: graphOf(node, name), inputs: given };
  });
}

/** One of two subgraphs. Inputs behind the condition are captures. */
export const If = defineOp({
  attrs: { then_branch: attr.required(attr.graph()), else_branch: attr.required(attr.graph()), ...CAPTURES },
  arity: [1, Number.POSITIVE_INFINITY],
  variadicOutputs: true,
  tolerance: "exact",
  bodies,
  infer: (ctx, subgraphs) => {
    const [first, second] = outputsOf(ctx, subgraphs).map((outputs) => outputs.map(({ type }) => type));
    second?.forEach((type, i) => {
      if (!sameType(type, first[i]))
        throw new RangeError(`its branches give ${formatType(type)} and ${formatType(first[i])} as output ${i}; ${HINT}`);
    });
    return first;
  },
  fold: (ctx, subgraphs) => {
    if (!taken(ctx)) return undefined;
    const values = outputsOf(ctx, subgraphs)[0].flatMap(({ value }) => value ?? []);
    return values.length === ctx.node.outputs.length ? values : undefined;
  },
  eval: ({ node, inputs: [condition, ...captures] }, subgraphs) =>
    subgraphs.evaluate(graphOf(node, BRANCHES[Number(condition!.data[0] !== 0)]), captures as Tensor[]),
  inline: (ctx) => {
    const branch = taken(ctx);
    if (!branch) return false;
    const results = ctx.body(graphOf(ctx.node, branch), ctx.node.inputs.slice(1));
    ctx.node.outputs.forEach((output, i) => {
      ctx.add("Identity", [results[i]], {}, [output]);
    });
    return true;
  },
  lower: (ctx) => {
    const { node } = ctx;
    const [otherwise, end] = [ctx.label(), ctx.label()];
    ctx.jumpIf(otherwise, ctx.place(node.inputs[0]), false);
    lowerBranch(ctx, "then_branch");
    ctx.jump(end);
    ctx.mark(otherwise);
    lowerBranch(ctx, "else_branch");
    ctx.mark(end);
  },
  cases: [
    ...[0, 1].map((condition) => ({
      name: condition ? "then" : "else",
      inputs: [tensor("bool", [condition], []), wave([2, 3]), wave([3], 2)],
      attrs: {
        captures: 2,
        then_branch: exampleGraph(["a", "b"], [["Add", "a b", "sum"]], "sum b"),
        else_branch: exampleGraph(
          ["a", "b"],
          [
            ["Sub", "a b", "difference"],
            ["Neg", "b", "negative"],
          ],
          "difference negative",
        ),
      },
      outputs: 2,
    })),
    {
      name: "a constant condition; the other branch does not fit",
      inputs: [tensor("bool", [0], [1]), wave([2, 3])],
      attrs: {
        captures: 1,
        then_branch: exampleGraph(["a"], [["MatMul", "a a", "product"]], "product"),
        else_branch: exampleGraph(["a"], [["Mul", "a two", "double"]], "double", { two: f32([2]) }),
      },
      constants: [0],
    },
  ],
});

function lowerBranch(ctx: Lowering, branch: (typeof BRANCHES)[number]): void {
  const { node } = ctx;
  const places = ctx.body(graphOf(node, branch), node.inputs.slice(1));
  node.outputs.forEach((output, i) => {
    copyBytes(ctx, places[i], ctx.place(output), ctx.type(output));
  });
}
