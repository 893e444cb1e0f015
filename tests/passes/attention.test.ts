import { describe, expect, it } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import { fuseAttention } from "../../src/passes/fuse-attention.ts";
import { optimize } from "../../src/passes/index.ts";
import { layout } from "../../src/passes/layout.ts";
import { portable } from "../../src/passes/portable.ts";
import { printGraph } from "../../src/semantics/print.ts";
import { i64, type Tensor, tensor } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";
import { applied } from "./expect-same.ts";

type Nodes = Parameters<typeof graphOf>[0]["nodes"];

const scalar = (value: number) => tensor("f32", [value], []);
const ops = (graph: Graph) => graph.nodes.map((node) => node.op).join(" ");
const pass = (graph: Graph) => layout(fuseAttention(graph));

const [batch, length, heads, size] = [2, 5, 3, 4];

const constants = {
  split: i64([0, 0, heads, size]),
  merged: i64([0, 0, heads * size]),
  inside: i64([batch * heads, length, size]),
  outside: i64([batch, heads, length, length]),
  back: i64([batch * heads, length, length]),
  apart: i64([length, batch * heads, size]),
  joined: i64([length, batch, heads * size]),
  two: scalar(2),
  f: scalar(0.5),
  root: scalar(0.7),
  mask: random([length, length], 7),
  each: random([batch, 1, 1, length], 8),
  low: scalar(-1e9),
  mild: scalar(-1e4),
  soft: scalar(-5),
  causal: tensor(
    "bool",
    Array.from({ length: length * length }, (_, i) => Number(i % length <= Math.floor(i / length))),
    [length, length],
  ),
};

/** Queries, keys and values with heads before tokens, keys turned, and heads put together again. */
const split: Nodes = ["q", "k", "v"].flatMap(
  (x): Nodes => [
    ["Reshape", `x${x} split`, `r${x}`],
    ["Transpose", `r${x}`, x === "k" ? "kt" : `t${x}`, { perm: x === "k" ? [0, 2, 3, 1] : [0, 2, 1, 3] }],
  ],
);
const merge: Nodes = [
  ["MatMul", "p tv", "o"],
  ["Transpose", "o", "to", { perm: [0, 2, 1, 3] }],
  ["Reshape", "to merged", "y"],
];

function net(scores: Nodes, more: Readonly<Record<string, Tensor>> = {}): Graph {
  const shape = [batch, length, heads * size];
  return graphOf({
    inputs: { xq: shape, xk: shape, xv: shape },
    constants: { ...constants, ...more },
    nodes: [...split, ...scores, ...merge],
    outputs: "y",
  });
}

const FUSED = "Reshape Reshape Reshape ScaledDotProductAttention Reshape";

describe("fuse-attention", () => {
  it("leaves no Transpose where heads are split and merged", () => {
    const graph = applied(
      pass,
      net([
        ["MatMul", "tq kt", "s"],
        ["Div", "s two", "d"],
        ["Softmax", "d", "p"],
      ]),
      1e-6,
    );
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph test(%xq: f32[2,5,12], %xk: f32[2,5,12], %xv: f32[2,5,12]) -> (%y)
        const %merged_1: i64[3] = [2, 5, 12]
        const %split: i64[4] = [0, 0, 3, 4]
        %rq: f32[2,5,3,4] = Reshape(%xq, %split)
        %rk: f32[2,5,3,4] = Reshape(%xk, %split)
        %rv: f32[2,5,3,4] = Reshape(%xv, %split)
        %o_scaleddotproductattention: f32[2,5,3,4] = ScaledDotProductAttention(%rq, %rk, %rv) {scale=0.5}
        %y: f32[2,5,12] = Reshape(%o_scaleddotproductattention, %merged_1) {allowzero=1}
      "
    `);
  });

  it.each<[string, Nodes, number]>([
    [
      "queries",
      [
        ["Mul", "tq f", "qs"],
        ["MatMul", "qs kt", "s"],
        ["Softmax", "s", "p"],
      ],
      0.5,
    ],
    [
      "keys",
      [
        ["Mul", "f kt", "ks"],
        ["MatMul", "tq ks", "s"],
        ["Softmax", "s", "p"],
      ],
      0.5,
    ],
    [
      "both, by the root",
      [
        ["Mul", "tq root", "qs"],
        ["Mul", "kt root", "ks"],
        ["MatMul", "qs ks", "s"],
        ["Softmax", "s", "p"],
      ],
      0.7 ** 2,
    ],
    [
      "scores",
      [
        ["MatMul", "tq kt", "s"],
        ["Mul", "f s", "d"],
        ["Softmax", "d", "p", { axis: 3 }],
      ],
      0.5,
    ],
    [
      "nothing",
      [
        ["MatMul", "tq kt", "s"],
        ["Softmax", "s", "p"],
      ],
      1,
    ],
  ])("takes the scale of %s", (_, nodes, scale) => {
    const graph = applied(pass, net(nodes), 1e-6);
    expect(ops(graph)).toBe(FUSED);
    expect(graph.nodes[3].attrs.scale).toBeCloseTo(scale, 6);
  });

  it.each<[string, Nodes, string]>([
    [
      "behind the scale",
      [
        ["MatMul", "tq kt", "s"],
        ["Div", "s two", "d"],
        ["Add", "d mask", "m"],
        ["Softmax", "m", "p"],
      ],
      "",
    ],
    [
      "before the scale",
      [
        ["MatMul", "tq kt", "s"],
        ["Add", "each s", "m"],
        ["Mul", "m f", "d"],
        ["Softmax", "d", "p"],
      ],
      "Mul",
    ],
    [
      "of two, one taken away",
      [
        ["MatMul", "tq kt", "s"],
        ["Add", "s mask", "m"],
        ["Sub", "m each", "n"],
        ["Softmax", "n", "p"],
      ],
      "Mul Sum",
    ],
    [
      "by Where",
      [
        ["MatMul", "tq kt", "s"],
        ["Where", "causal s low", "m"],
        ["Softmax", "m", "p"],
      ],
      "Where",
    ],
    [
      "by Where of a mild number, in which every query sees a key",
      [
        ["MatMul", "tq kt", "s"],
        ["Where", "causal s mild", "m"],
        ["Softmax", "m", "p"],
      ],
      "Where",
    ],
  ])("takes a mask %s", (_, nodes, mask) => {
    const graph = applied(pass, net(nodes), 1e-6);
    expect(ops(graph).replace(mask && `${mask} `, "")).toBe(FUSED);
    expect(graph.nodes.find(({ op }) => op === "ScaledDotProductAttention")!.inputs).toHaveLength(4);
  });

  it("takes batches and heads on one axis, masked apart, as PyTorch's", () => {
    const shape = [length, 1, heads * size];
    const graph = graphOf({
      inputs: { xq: shape, xk: shape, xv: shape },
      constants: {
        ...constants,
        apart: i64([length, heads, size]),
        outside: i64([1, heads, length, length]),
        back: i64([heads, length, length]),
        joined: i64([length, 1, heads * size]),
      },
      nodes: [
        ...["q", "k", "v"].flatMap(
          (x): Nodes => [
            ["Reshape", `x${x} apart`, `r${x}`],
            ["Transpose", `r${x}`, x === "k" ? "kt" : `t${x}`, { perm: x === "k" ? [1, 2, 0] : [1, 0, 2] }],
          ],
        ),
        ["Mul", "tq f", "qs"],
        ["MatMul", "qs kt", "s"],
        ["Reshape", "s outside", "four"],
        ["Add", "four mask", "m"],
        ["Reshape", "m back", "three"],
        ["Softmax", "three", "p"],
        ["MatMul", "p tv", "o"],
        ["Transpose", "o", "to", { perm: [1, 0, 2] }],
        ["Reshape", "to joined", "y"],
      ],
      outputs: "y",
    });
    const result = applied(pass, graph, 1e-6);
    expect(ops(result)).not.toMatch(/Transpose|Softmax|MatMul/);
    expect(ops(result)).toContain("ScaledDotProductAttention");
  });

  it.each([1, 2])("takes keys and values that groups of heads share, %i for all", (shared) => {
    const groups = 4 / shared;
    const graph = graphOf({
      inputs: { q: [batch, 4, length, size], k: [batch, shared, length, size], v: [batch, shared, length, size] },
      constants: {
        ...constants,
        one: i64([batch, shared, 1, length, size]),
        many: i64([batch, shared, groups, length, size]),
        all: i64([batch, 4, length, size]),
      },
      nodes: [
        ...["k", "v"].flatMap(
          (x): Nodes => [
            ["Reshape", `${x} one`, `${x}1`],
            ["Expand", `${x}1 many`, `${x}2`],
            ["Reshape", `${x}2 all`, `${x}3`],
          ],
        ),
        ["Transpose", "k3", "kt", { perm: [0, 1, 3, 2] }],
        ["MatMul", "q kt", "s"],
        ["Softmax", "s", "p"],
        ["MatMul", "p v3", "y"],
      ],
      outputs: "y",
    });
    const result = applied(fuseAttention, graph, 1e-6);
    expect(ops(result)).toBe("Transpose Transpose Transpose ScaledDotProductAttention Transpose");
    expect(result.types.get(result.nodes[3].inputs[1])!.shape).toEqual([batch, length, shared, size]);
  });

  it("takes values whose channels lie first, as detectors write them", () => {
    const graph = graphOf({
      inputs: { q: [1, heads, size, length], k: [1, heads, size, length], v: [1, heads, 6, length] },
      constants,
      nodes: [
        ["Transpose", "q", "qt", { perm: [0, 1, 3, 2] }],
        ["MatMul", "qt k", "s"],
        ["Mul", "s f", "d"],
        ["Softmax", "d", "p"],
        ["Transpose", "p", "pt", { perm: [0, 1, 3, 2] }],
        ["MatMul", "v pt", "y"],
      ],
      outputs: "y",
    });
    expect(ops(applied(fuseAttention, graph, 1e-6))).toMatch(/ScaledDotProductAttention Transpose$/);
  });

  it.each<[string, Nodes, string]>([
    [
      "weights that others read",
      [
        ["MatMul", "tq kt", "s"],
        ["Softmax", "s", "p"],
      ],
      "y p",
    ],
    [
      "a Softmax along another axis",
      [
        ["MatMul", "tq kt", "s"],
        ["Softmax", "s", "p", { axis: 2 }],
      ],
      "y",
    ],
    [
      "a number that hides nothing",
      [
        ["MatMul", "tq kt", "s"],
        ["Where", "causal s soft", "m"],
        ["Softmax", "m", "p"],
      ],
      "y",
    ],
  ])("leaves %s", (_, nodes, outputs) => {
    const graph = { ...net(nodes), outputs: outputs.split(" ") };
    expect(ops(applied(fuseAttention, graph))).toBe(ops(graph));
  });

  it("is written for other engines as products and Softmax again", () => {
    const graph = optimize(
      net([
        ["MatMul", "tq kt", "s"],
        ["Add", "s mask", "m"],
        ["Softmax", "m", "p"],
      ]),
    );
    expect(ops(graph)).toContain("ScaledDotProductAttention");
    expect(ops(applied(portable, graph, 1e-6))).toContain("MatMul Mul Add Softmax");
  });
});
