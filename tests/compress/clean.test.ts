import { describe, expect, it } from "vitest";
import { cleanUp, foldConstantChannels, shareConstants } from "../../src/compress/clean.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { f32, type Tensor } from "../../src/tensor/index.ts";
import { graphOf, random, randomInputs } from "../graph/build.ts";

const NHWC = { layout: "NHWC" };

/** Weights of [outputs, inputs, 1, 1] with rows of zeros. */
const rows = (outputs: number, inputs: number, seed: number, zeros: readonly number[]): Tensor => {
  const { shape, data } = random([outputs, inputs, 1, 1], seed);
  return f32(
    data.map((w, i) => (zeros.includes(Math.floor(i / inputs)) ? 0 : w)),
    shape,
  );
};

type Nodes = readonly (readonly [op: string, inputs: string, outputs: string, attrs?: Node["attrs"]])[];

const netOf = (nodes: Nodes, constants: Readonly<Record<string, Tensor>>): Graph =>
  graphOf({ inputs: { x: [1, 4, 4, 3] }, constants, nodes, outputs: "y" });

/** Asserts that both put out the same bits, and returns the second. */
function same(before: Graph, after: Graph): Graph {
  verifyGraph(after);
  for (const seed of [1, 2, 3]) {
    const inputs = randomInputs(before, seed);
    expect(evaluate(after, inputs)).toEqual(evaluate(before, inputs));
  }
  return after;
}

const shapeIn = (graph: Graph, value: string) => graph.types.get(value)?.shape;

describe("cleaning up leaves outputs the same to the bit, without", () => {
  it("filters of zeros, and what they lead to through activations, sums and depthwise layers", () => {
    const graph = netOf(
      [
        ["Conv", "x w0 b0", "a", { ...NHWC, min: 0, max: 6 }],
        ["Conv", "a w1", "b", { ...NHWC, group: 6, pads: [1, 1, 1, 1] }],
        ["HardSwish", "b", "c"],
        ["Conv", "x w2", "d", NHWC],
        ["Add", "c d", "e"],
        ["AveragePool", "e", "f", { ...NHWC, kernel_shape: [2, 2], pads: [1, 1, 0, 0] }],
        ["Conv", "f w3", "y", NHWC],
      ],
      {
        w0: rows(6, 3, 1, [1, 4]),
        b0: f32([0.1, 0, 0.2, 0.3, -1, 0.5]),
        w1: random([6, 1, 3, 3], 2),
        w2: rows(6, 3, 3, [0, 1, 4]),
        w3: random([2, 6, 1, 1], 4),
      },
    );
    const clean = same(graph, cleanUp(graph));
    for (const value of ["a", "b", "c", "d", "e"]) expect(shapeIn(clean, value)).toEqual([1, 4, 4, 4]);
  });

  it("channels that are read by zeros alone, back through the layers that made them", () => {
    const readBy = random([2, 5, 1, 1], 4);
    const graph = netOf(
      [
        ["Conv", "x w0", "a", NHWC],
        ["Sigmoid", "a", "s"],
        ["Conv", "s w1", "b", NHWC],
        ["Conv", "b w2", "y", NHWC],
      ],
      {
        w0: random([4, 3, 1, 1], 1),
        // Channel 2 of a is read by output 3 alone, which nothing reads.
        w1: f32(
          random([5, 4, 1, 1], 2).data.map((w, i) => (i % 4 === 2 && Math.floor(i / 4) !== 3 ? 0 : w)),
          [5, 4, 1, 1],
        ),
        w2: f32(
          readBy.data.map((w, i) => (i % 5 === 3 ? 0 : w)),
          readBy.shape,
        ),
      },
    );
    const clean = same(graph, cleanUp(graph));
    expect([shapeIn(clean, "a"), shapeIn(clean, "b")]).toEqual([
      [1, 4, 4, 3],
      [1, 4, 4, 4],
    ]);
  });

  it("constants that are there twice, but for those that differ in shape, type or the sign of a zero", () => {
    const graph = netOf(
      [
        ["Conv", "x w0 b0", "a", NHWC],
        ["Conv", "a w1 b1", "b", NHWC],
        ["Add", "b c0", "d"],
        ["Add", "d c1", "y"],
      ],
      { w0: random([3, 3, 1, 1], 1), w1: random([3, 3, 1, 1], 1), b0: f32([1, 2, 3]), b1: f32([1, 2, 3]), c0: f32([0]), c1: f32([-0]) },
    );
    expect([...same(graph, cleanUp(graph)).constants.keys()]).toEqual(["w0", "b0", "c0", "c1"]);
    expect([...same(graph, shareConstants(graph)).constants.keys()]).toEqual(["w0", "b0", "c0", "c1"]);
  });

  it("touching filters of zeros that a bias or an activation makes something of", () => {
    const graph = netOf(
      [
        ["Conv", "x w0 b0", "a", NHWC],
        ["Sigmoid", "a", "b"],
        ["Conv", "b w1", "y", NHWC],
      ],
      { w0: rows(4, 3, 1, [2]), b0: f32([1, 1, 0, 1]), w1: random([2, 4, 1, 1], 2) },
    );
    expect(cleanUp(graph)).toBe(graph);
  });

  it("leaving a layer with no channel at all", () => {
    const graph = netOf(
      [
        ["Conv", "x w0", "a", NHWC],
        ["Conv", "a w1 b1", "y", NHWC],
      ],
      { w0: rows(4, 3, 1, [0, 1, 2, 3]), w1: random([2, 4, 1, 1], 2), b1: f32([1, 2]) },
    );
    expect(shapeIn(same(graph, cleanUp(graph)), "a")).toEqual([1, 4, 4, 1]);
  });
});

describe("channels that are constant", () => {
  const constants = { w0: rows(4, 3, 1, [2]), b0: f32([1, 1, 0.5, 1]), w1: random([2, 4, 3, 3], 2), b1: f32([1, -1]) };
  const through = (pads: readonly number[]): Graph =>
    netOf(
      [
        ["Conv", "x w0 b0", "a", NHWC],
        ["Sigmoid", "a", "b"],
        ["Conv", "b w1 b1", "y", { ...NHWC, pads }],
      ],
      constants,
    );

  it("go into the bias of the layer that reads them", () => {
    const graph = through([0, 0, 0, 0]);
    const folded = foldConstantChannels(graph);
    verifyGraph(folded);
    expect(shapeIn(folded, "b")).toEqual([1, 4, 4, 3]);
    const inputs = randomInputs(graph, 5);
    const [want, got] = [graph, folded].map((g) => evaluate(g, inputs).y.data);
    want.forEach((v, i) => {
      expect(Math.abs(v - got[i])).toBeLessThan(1e-5);
    });
  });

  it("stay where padding takes their place at the edges", () => {
    const graph = through([1, 1, 1, 1]);
    expect(foldConstantChannels(graph)).toBe(graph);
  });
});
