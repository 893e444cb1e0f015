import { describe, expect, it } from "vitest";
import { freshNames, prune, sortNodes } from "../../src/graph/edit.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { makeNode } from "../../src/ops/node.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { inferTypes } from "../../src/semantics/infer.ts";
import { printGraph } from "../../src/semantics/print.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { f32, i64, tensor } from "../../src/tensor/index.ts";
import { failure } from "../onnx/model.ts";
import { graphOf, untyped } from "./build.ts";

const sample = () =>
  graphOf({
    inputs: { x: [1, 2, 4, 4] },
    constants: { w: f32(new Float32Array(36), [2, 2, 3, 3]), lo: tensor("f32", [-0.1], []), unused: f32([1]) },
    nodes: [
      ["Conv", "x w", "c", { strides: [2, 2], pads: [1, 1, 1, 1] }],
      ["Clip", "c lo", "y"],
      ["Abs", "c", "dead"],
    ],
    outputs: "y",
  });

describe("printGraph", () => {
  it("is a line a node, defaults left out, small constants with their values", () => {
    expect(printGraph(sample())).toMatchInlineSnapshot(`
      "graph test(%x: f32[1,2,4,4]) -> (%y)
        const %lo: f32[] = [-0.1]
        const %unused: f32[1] = [1]
        const %w: f32[2,2,3,3]
        %c: f32[1,2,2,2] = Conv(%x, %w) {pads=[1,1,1,1], strides=[2,2]}
        %y: f32[1,2,2,2] = Clip(%c, %lo)
        %dead: f32[1,2,2,2] = Abs(%c)
      "
    `);
  });
});

describe("prune", () => {
  it("removes what no output needs, and keeps inputs", () => {
    const graph = prune(sample());
    expect(graph.nodes.map((n) => n.op)).toEqual(["Conv", "Clip"]);
    expect([...graph.constants.keys()]).toEqual(["w", "lo"]);
    expect([...graph.types.keys()].sort()).toEqual(["c", "lo", "w", "x", "y"]);
    expect(graph.inputs).toEqual(["x"]);
  });
});

describe("freshNames", () => {
  it("never gives a name twice, nor one that is there", () => {
    const fresh = freshNames(sample());
    expect([fresh("c"), fresh("c"), fresh("new"), fresh("new"), fresh("c_1")]).toEqual(["c_1", "c_2", "new", "new_1", "c_1_1"]);
  });
});

describe("sortNodes", () => {
  const chain = Array.from({ length: 20_000 }, (_, i) => makeNode({ op: "Abs", name: `n${i}`, inputs: [`v${i}`], outputs: [`v${i + 1}`] }));

  it("orders a long chain given backwards, in linear time", () => {
    const sorted = sortNodes(chain.toReversed(), ["v0"]);
    expect(sorted).toEqual(chain);
  });

  it("leaves sorted nodes as they are", () => {
    expect(sortNodes(chain, ["v0"])).toEqual(chain);
  });

  it("finds circles and missing values", () => {
    expect(sortNodes(chain.slice(1), ["v0"])).toBeUndefined();
    expect(sortNodes([makeNode({ op: "Add", name: "a", inputs: ["x", "y"], outputs: ["y"] })], ["x"])).toBeUndefined();
  });
});

describe("inferTypes", () => {
  it("follows shape arithmetic", () => {
    const graph = graphOf({
      inputs: { x: [2, 3, 4] },
      constants: { zero: i64([0]), rest: i64([-1]) },
      nodes: [
        ["Shape", "x", "s"],
        ["Gather", "s zero", "n"],
        ["Concat", "n rest", "target", { axis: 0 }],
        ["Reshape", "x target", "y"],
      ],
      outputs: "y",
    });
    expect(graph.types.get("y")).toEqual({ dtype: "f32", shape: [2, 12] });
    expect(graph.nodes).toHaveLength(4);
  });

  it("lists every node that does not fit, and not what follows from it", () => {
    const graph = untyped({
      inputs: { x: [2, 3], n: { dtype: "i64", shape: [1] } },
      nodes: [
        ["Transpose", "x", "t", { perm: [0, 2] }],
        ["Abs", "t", "a"],
        ["Reshape", "x n", "r"],
        ["Concat", "x n", "c", { axis: 0 }],
        ["Nonsense", "x", "z"],
      ],
      outputs: "a",
    });
    expect(failure(() => inferTypes(graph))).toMatchInlineSnapshot(`
      "GRAPH_INVALID: These nodes cannot be given types:
        - Transpose t: perm [0,2] is no permutation of 2 axes
        - Reshape r: the shape must be known when the model is packed
        - Concat c: inputs are f32 and i64
        - Nonsense z: unknown operator"
    `);
  });
});

describe("verifyGraph", () => {
  const broken = (change: (graph: Graph) => Partial<Graph>) => {
    const graph = sample();
    return failure(() => verifyGraph({ ...graph, ...change(graph) }));
  };

  it("accepts a graph that keeps the rules", () => {
    expect(() => verifyGraph(sample())).not.toThrow();
  });

  it("finds nodes out of order, values written twice and outputs of nothing", () => {
    expect(broken(({ nodes }) => ({ nodes: [...nodes.toReversed(), nodes[0]], outputs: ["y", "gone"] }))).toMatchInlineSnapshot(`
      "GRAPH_INVALID: Graph test breaks the rules of the IR:
        - Abs dead reads %c, which nothing before it writes
        - Clip y reads %c, which nothing before it writes
        - two nodes are named c
        - %c is written by Conv c, but exists already
        - output %gone is written by nothing"
    `);
  });

  it("finds types that are missing or wrong", () => {
    const types = new Map(sample().types);
    types.delete("c");
    expect(broken(() => ({ types }))).toContain("%c, written by Conv c, has no type");
    types.set("c", { dtype: "f32", shape: [9] });
    expect(broken(() => ({ types }))).toContain("%c of Conv c is f32[1,2,2,2], stated as f32[9]");
  });

  it("finds attributes, operators and numbers of inputs that no operator has", () => {
    const node = { ...makeNode({ op: "Abs", name: "bad", inputs: ["x", "x"], outputs: ["b"] }), attrs: { wrong: 1 } };
    expect(broken(({ nodes, types }) => ({ nodes: [...nodes, node], types: new Map([...types, ["b", types.get("x")!]]) }))).toContain(
      "Abs bad: takes 1 input, has 2; attribute wrong is not supported",
    );
  });
});

describe("evaluate", () => {
  it("runs a graph by its definitions and shows inner values", () => {
    const graph = graphOf({
      inputs: { x: [3] },
      constants: { two: tensor("f32", [2], []) },
      nodes: [
        ["Mul", "x two", "m"],
        ["Neg", "m", "y"],
      ],
      outputs: "y",
    });
    const seen: string[] = [];
    const { y } = evaluate(graph, { x: f32([1, 2, 3]) }, (name, value) => seen.push(`${name}=${value.data}`));
    expect(y).toEqual(f32([-2, -4, -6]));
    expect(seen).toEqual(["m=2,4,6", "y=-2,-4,-6"]);
  });

  it("asks for inputs that are missing or of another shape", () => {
    const graph = graphOf({ inputs: { x: [3] }, nodes: [["Neg", "x", "y"]], outputs: "y" });
    expect(failure(() => evaluate(graph, {}))).toBe("INPUT_INVALID: Input x is missing.");
    expect(failure(() => evaluate(graph, { x: f32([1]) }))).toBe("INPUT_INVALID: Input x is f32[1], the model takes f32[3].");
  });
});
