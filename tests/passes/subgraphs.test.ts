import { describe, expect, it } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import { exampleGraph } from "../../src/ops/example-graph.ts";
import { fold } from "../../src/passes/fold.ts";
import { optimize } from "../../src/passes/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { inferTypes } from "../../src/semantics/infer.ts";
import { printGraph } from "../../src/semantics/print.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { f32, i64, tensor } from "../../src/tensor/index.ts";
import { graphOf, untyped } from "../graph/build.ts";
import { failure } from "../onnx/model.ts";
import { applied } from "./expect-same.ts";

const operators = (graph: Graph): string => graph.nodes.map(({ op }) => op).join(" ");
const yes = tensor("bool", [1], []);
const no = tensor("bool", [0], []);

const doubled = exampleGraph(["a"], [["Add", "a a", "r"]], "r");
const squared = exampleGraph(["a"], [["Mul", "a a", "r"]], "r");

describe("fold", () => {
  it("takes the branch of an If whose condition follows from constants and shapes", () => {
    const graph = graphOf({
      inputs: { x: [2, 3] },
      constants: { rank: i64([2], [1]), first: i64([0], []) },
      nodes: [
        ["Shape", "x", "shape"],
        ["Shape", "shape", "length"],
        ["Equal", "length rank", "same"],
        ["If", "same x", "y", { captures: 1, then_branch: doubled, else_branch: squared }],
        ["Gather", "shape first", "n"],
      ],
      outputs: "y",
    });
    expect(operators(applied(fold, graph))).toBe("Add Identity");
  });

  it("takes branches in branches, and gives what two of them call alike names of its own", () => {
    const outer = exampleGraph(["a"], [["If", "yes a", "r", { captures: 1, then_branch: doubled, else_branch: squared }]], "r", { yes });
    const graph = graphOf({
      inputs: { x: [2] },
      constants: { yes, no },
      nodes: [
        ["If", "yes x", "p", { captures: 1, then_branch: outer, else_branch: squared }],
        ["If", "no p", "r", { captures: 1, then_branch: outer, else_branch: squared }],
      ],
      outputs: "r",
    });
    expect(printGraph(applied(fold, graph))).toMatchInlineSnapshot(`
      "graph test(%x: f32[2]) -> (%r)
        %r_3: f32[2] = Add(%x, %x)
        %r_1: f32[2] = Identity(%r_3)
        %p: f32[2] = Identity(%r_1)
        %r_5: f32[2] = Mul(%p, %p)
        %r: f32[2] = Identity(%r_5)
      "
    `);
  });

  it("unrolls a short loop, and what depends on its counter is known in each iteration", () => {
    const body = exampleGraph(
      ["i", "go", "s", "t"],
      [
        ["Gather", "t i", "row", { axis: 0 }],
        ["Mul", "s row", "u"],
      ],
      "go u",
    );
    const graph = graphOf({
      inputs: { x: [2] },
      constants: { three: i64([3], []), t: f32([1, 2, 3, 4, 5, 6], [3, 2]) },
      nodes: [["Loop", "three _ x t", "y", { captures: 1, body }]],
      outputs: "y",
    });
    expect(operators(applied(fold, graph))).toBe("Mul Mul Mul Identity");
  });

  it("leaves a long loop, and one whose condition may become false", () => {
    const body = exampleGraph(["i", "go", "s"], [["Add", "s s", "u"]], "go u");
    const ending = exampleGraph(
      ["i", "go", "s"],
      [
        ["Add", "s s", "u"],
        ["Less", "u one", "less"],
        ["Squeeze", "less", "again"],
      ],
      "again u",
      { one: f32([1], [1]) },
    );
    const graph = graphOf({
      inputs: { x: [1] },
      constants: { many: i64([1000], []), three: i64([3], []) },
      nodes: [
        ["Loop", "many _ x", "p", { body }],
        ["Loop", "three _ p", "q", { body: ending }],
      ],
      outputs: "q",
    });
    expect(operators(fold(graph))).toBe("Loop Loop");
  });

  it("unrolls loops in loops only as far as the graph stays small", () => {
    let body = exampleGraph(["i", "go", "s"], [["Add", "s s", "u"]], "go u");
    for (let depth = 0; depth < 6; depth++)
      body = exampleGraph(["i", "go", "s"], [["Loop", "hundred _ s", "u", { body }]], "go u", { hundred: i64([100], []) });
    const graph = graphOf({
      inputs: { x: [1] },
      constants: { two: i64([2], []) },
      nodes: [["Loop", "two _ x", "y", { body }]],
      outputs: "y",
    });
    expect(fold(graph).nodes.length).toBeLessThan(2 ** 10);
  });

  it("refuses a loop that could never end", () => {
    const body = exampleGraph(["i", "go", "s"], [["Add", "s s", "u"]], "go u");
    const graph = untyped({ inputs: { x: [1] }, nodes: [["Loop", "_ _ x", "y", { body }]], outputs: "y" });
    expect(failure(() => inferTypes(graph))).toMatchInlineSnapshot(`
      "GRAPH_INVALID: These nodes cannot be given types:
        - Loop y: it has neither a limit nor a condition that could become false, so it would never end"
    `);
  });

  it("refuses branches of different types under a condition that is not known, with what to do", () => {
    const wide = exampleGraph(["a"], [["Concat", "a a", "r", { axis: 0 }]], "r");
    const graph = untyped({
      inputs: { c: { dtype: "bool", shape: [] }, x: [2] },
      nodes: [["If", "c x", "y", { captures: 1, then_branch: doubled, else_branch: wide }]],
      outputs: "y",
    });
    expect(failure(() => inferTypes(graph))).toMatchInlineSnapshot(`
      "GRAPH_INVALID: These nodes cannot be given types:
        - If y: its branches give f32[2] and f32[4] as output 0; if an input of the model decides which of them runs, fix it (--fix)"
    `);
  });
});

describe("passes inside subgraphs", () => {
  it("see the constants that the node gives, and captures that nobody reads are gone", () => {
    const body = exampleGraph(
      ["i", "go", "s", "w", "b", "unread"],
      [
        ["MatMul", "s w", "p"],
        ["Add", "p b", "q"],
        ["Relu", "q", "u"],
      ],
      "go u",
    );
    const graph = graphOf({
      inputs: { x: [1, 2], z: [2] },
      constants: { many: i64([100], []), w: f32([1, 0.5, -0.5, 1], [2, 2]), b: f32([0.1, 0.2]) },
      nodes: [["Loop", "many _ x w b z", "y", { captures: 3, body }]],
      outputs: "y",
    });
    const optimized = optimize(graph);
    verifyGraph(optimized);
    expect(printGraph(optimized)).toMatchInlineSnapshot(`
      "graph test(%x: f32[1,2], %z: f32[2]) -> (%y)
        const %many: i64[] = [100]
        %y: f32[1,2] = Loop(%many, _, %x)
          body: graph body(%i: i64[], %go: bool[], %s: f32[1,2]) -> (%go.value, %u)
            const %go.value: bool[] = [1]
            const %p.bias: f32[2] = [0.1, 0.2]
            const %w.value: f32[2,2] = [1, 0.5, -0.5, 1]
            %u: f32[1,2] = MatMul(%s, %w.value, %p.bias) {min=0}
      "
    `);
    const inputs = { x: f32([0.3, -0.2], [1, 2]), z: f32([0, 0]) };
    expect(evaluate(optimized, inputs).y.data[0]).toBeCloseTo(evaluate(graph, inputs).y.data[0], 3);
  });
});
