import { describe, expect, it } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import { makeNode } from "../../src/ops/node.ts";
import { eliminate } from "../../src/passes/eliminate.ts";
import { fold } from "../../src/passes/fold.ts";
import { share } from "../../src/passes/share.ts";
import { inferTypes } from "../../src/semantics/infer.ts";
import { printGraph } from "../../src/semantics/print.ts";
import { f32, i64, tensor } from "../../src/tensor/index.ts";
import { graphOf, random, untyped } from "../graph/build.ts";
import { applied } from "./expect-same.ts";

const ops = (graph: Graph) => graph.nodes.map((node) => node.op).join(" ");

describe("fold", () => {
  it("evaluates shape arithmetic as exporters write it", () => {
    const graph = untyped({
      inputs: { x: [2, 3, 4] },
      constants: {
        i: tensor("i64", [0], []),
        axes: i64([0]),
        rest: i64([-1]),
        one: i64([1]),
        minus: tensor("i64", [-1], []),
        c: f32([1], [1, 1, 1]),
      },
      nodes: [
        ["Shape", "x", "s"],
        ["Gather", "s i", "n"],
        ["Unsqueeze", "n axes", "nu"],
        ["Concat", "nu rest", "target", { axis: 0 }],
        ["Reshape", "x target", "flat"],
        ["ConstantOfShape", "one", "ones", { value: i64([1]) }],
        ["Mul", "ones minus", "negative"],
        ["Equal", "nu negative", "same"],
        ["Where", "same ones nu", "rows"],
        ["Concat", "rows one one", "es", { axis: 0 }],
        ["Expand", "c es", "e"],
        ["Squeeze", "e", "sq"],
        ["Unsqueeze", "sq one", "col"],
        ["Add", "flat col", "y"],
      ],
      outputs: "y",
    });
    expect(printGraph(applied(fold, inferTypes(graph)))).toMatchInlineSnapshot(`
      "graph test(%x: f32[2,3,4]) -> (%y)
        const %col: f32[2,1] = [1, 1]
        const %target: i64[2] = [2, -1]
        %flat: f32[2,12] = Reshape(%x, %target)
        %y: f32[2,12] = Add(%flat, %col)
      "
    `);
  });

  it("leaves to the run what would take long or much memory to evaluate", () => {
    const graph = untyped({
      inputs: { x: [1] },
      constants: { a: random([2000, 1000], 1), b: random([1000, 2000], 2), one: f32([1], [1, 1]), big: i64([3000, 2000]) },
      nodes: [
        ["MatMul", "a b", "y"],
        ["Expand", "one big", "z"],
      ],
      outputs: "y z",
    });
    expect(ops(fold(graph))).toBe("MatMul Expand");
  });

  it("keeps constants that are outputs of the graph", () => {
    const graph = fold(untyped({ inputs: { x: [2, 3] }, nodes: [["Shape", "x", "y"]], outputs: "y" }));
    expect([graph.nodes, graph.constants.get("y")]).toEqual([[], i64([2, 3])]);
  });

  it("is linear in the number of nodes", () => {
    const nodes = Array.from({ length: 20_000 }, (_, i) =>
      makeNode({ op: "Neg", name: `n${i}`, inputs: [`v${i}`], outputs: [`v${i + 1}`] }),
    );
    const graph: Graph = { ...untyped({ inputs: { v0: [1] }, nodes: [], outputs: "v20000" }), nodes };
    const start = performance.now();
    expect(fold(graph).nodes).toHaveLength(20_000);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});

describe("eliminate", () => {
  const inputs = { x: [2, 3] };

  it("removes what does nothing, whichever end of the graph it stands at", () => {
    const graph = graphOf({
      inputs,
      constants: { shape: i64([2, 3]), zeros: i64([0, 0, 0, 0]), start: i64([0]), end: i64([9]) },
      nodes: [
        ["Identity", "x", "a"],
        ["Neg", "a", "b"],
        ["Dropout", "b", "c"],
        ["Reshape", "c shape", "d"],
        ["Transpose", "d", "e", { perm: [0, 1] }],
        ["Pad", "e zeros", "f"],
        ["Slice", "f start end", "g"],
        ["Cast", "g", "h", { to: 1 }],
        ["Concat", "h", "y", { axis: 0 }],
      ],
      outputs: "y",
    });
    expect(printGraph(applied(eliminate, graph))).toMatchInlineSnapshot(`
      "graph test(%x: f32[2,3]) -> (%y)
        %y: f32[2,3] = Neg(%x)
      "
    `);
  });

  it("removes additions of zeros and multiplications by ones", () => {
    const graph = graphOf({
      inputs,
      constants: { zeros: f32([0, 0, 0]), one: tensor("f32", [1], []), row: f32([1, 1, 1]) },
      nodes: [
        ["Add", "zeros x", "a"],
        ["Mul", "a row", "b"],
        ["Div", "b one", "c"],
        ["Neg", "c", "d"],
        ["Sub", "zeros d", "e"],
        ["Add", "e zeros", "y", { min: 0 }],
      ],
      outputs: "y",
    });
    expect(ops(applied(eliminate, graph))).toBe("Neg Sub Add");
  });

  it("keeps what only looks as if", () => {
    const graph = graphOf({
      inputs: { x: [3, 3] },
      constants: { start: i64([-1]), end: i64([-9]), axis: i64([0]), step: i64([-1]) },
      nodes: [
        ["Transpose", "x", "t"],
        ["Slice", "t start end axis step", "y"],
      ],
      outputs: "y",
    });
    expect(ops(applied(eliminate, graph))).toBe("Transpose Slice");
  });

  it("keeps the names of outputs: one that is an input, and two that are one value", () => {
    const graph = graphOf({
      inputs,
      nodes: [
        ["Identity", "x", "y"],
        ["Neg", "x", "n"],
        ["Identity", "n", "z"],
        ["Identity", "n", "w"],
      ],
      outputs: "y z w",
    });
    expect(ops(applied(eliminate, graph))).toBe("Identity Neg Identity");
  });

  it("leaves of several reshapes the last", () => {
    const graph = graphOf({
      inputs: { x: [1, 2, 3] },
      constants: { axis: i64([0]), shape: i64([3, 2]) },
      nodes: [
        ["Flatten", "x", "a"],
        ["Unsqueeze", "a axis", "b"],
        ["Squeeze", "b axis", "c"],
        ["Reshape", "c shape", "y"],
      ],
      outputs: "y",
    });
    expect(printGraph(applied(eliminate, graph))).toMatchInlineSnapshot(`
      "graph test(%x: f32[1,2,3]) -> (%y)
        const %y.shape: i64[2] = [3, 2]
        %y: f32[3,2] = Reshape(%x, %y.shape) {allowzero=1}
      "
    `);
  });
});

describe("share", () => {
  it("computes equal nodes once, also where they read values that were equal", () => {
    const graph = graphOf({
      inputs: { x: [2, 3] },
      nodes: [
        ["Neg", "x", "a"],
        ["Neg", "x", "b"],
        ["Softmax", "a", "c", { axis: 0 }],
        ["Softmax", "b", "d", { axis: 0 }],
        ["Softmax", "b", "e", { axis: 1 }],
        ["Add", "c d", "f"],
        ["Add", "f e", "y"],
      ],
      outputs: "y",
    });
    expect(ops(applied(share, graph))).toBe("Neg Softmax Softmax Add Add");
  });
});
