import { describe, expect, it } from "vitest";
import { inputMoments } from "../../src/compress/moments.ts";
import { linearLayers } from "../../src/compress/quantize.ts";
import { roundWeights } from "../../src/compress/round.ts";
import type { Dataset } from "../../src/data/index.ts";
import { evaluate } from "../../src/graph/evaluate.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { dequantizeTensor, f32 } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";

const ITEMS = 16;
const indices = Array.from({ length: ITEMS }, (_, i) => i);

/** Inputs whose elements are nearly alike, as neighbours in images are. */
const alike = (shape: readonly number[], seed: number) =>
  f32(
    random(shape, seed).data.map((v) => 1 + (seed % 5) / 5 + 0.1 * v),
    shape,
  );

const datasetOf = (shape: readonly number[]): Dataset => ({
  count: ITEMS,
  kind: "values",
  description: "test",
  item: async (i) => ({ x: alike(shape, i + 1).data as Float32Array }),
});

/** Squared error of the output on inputs that the rounding has not seen. */
function outputError(graph: Graph, rounded: Graph, shape: readonly number[]): number {
  let sum = 0;
  for (let seed = 100; seed < 108; seed++) {
    const x = alike(shape, seed);
    const [want, got] = [graph, rounded].map((g) => evaluate(g, { x }).y.data);
    for (let i = 0; i < want.length; i++) sum += (want[i] - got[i]) ** 2;
  }
  return sum;
}

const cases = {
  "a depthwise convolution": graphOf({
    inputs: { x: [1, 6, 6, 5] },
    constants: { w: random([5, 1, 3, 3], 1), b: random([5], 2) },
    nodes: [["Conv", "x w b", "y", { group: 5, pads: [1, 1, 1, 1], layout: "NHWC" }]],
    outputs: "y",
  }),
  "a strided convolution in two groups": graphOf({
    inputs: { x: [1, 7, 7, 4] },
    constants: { w: random([6, 2, 3, 2], 3) },
    nodes: [["Conv", "x w", "y", { group: 2, strides: [2, 1], pads: [0, 1, 1, 0], layout: "NHWC" }]],
    outputs: "y",
  }),
  "a matrix product": graphOf({
    inputs: { x: [3, 24] },
    constants: { w: random([24, 7], 4) },
    nodes: [["MatMul", "x w", "y"]],
    outputs: "y",
  }),
};

describe("rounding by second moments", () => {
  for (const [name, graph] of Object.entries(cases)) {
    it(`leaves less than half of the output's error of rounding to nearest: ${name}`, async () => {
      const [[node, axis]] = linearLayers(graph);
      const { shape } = graph.types.get("x")!;
      const moments = await inputMoments(graph, [node], datasetOf(shape), { indices });
      const withWeights = (weights = roundWeights(graph, node, axis, undefined)): Graph => ({
        ...graph,
        constants: new Map(graph.constants).set("w", dequantizeTensor(weights)),
      });
      const nearest = outputError(graph, withWeights(), shape);
      const rounded = outputError(graph, withWeights(roundWeights(graph, node, axis, moments.get(node))), shape);
      expect(rounded).toBeLessThan(nearest / 2);
    });
  }

  it("takes moments of the patches that a convolution reads, padding as zeros", async () => {
    const graph = graphOf({
      inputs: { x: [1, 2, 1, 1] },
      constants: { w: f32([1, 1], [1, 1, 2, 1]) },
      nodes: [["Conv", "x w", "y", { pads: [1, 0, 0, 0], layout: "NHWC" }]],
      outputs: "y",
    });
    const data: Dataset = { count: 1, kind: "values", description: "test", item: async () => ({ x: Float32Array.of(2, 3) }) };
    const moments = await inputMoments(graph, [...graph.nodes], data, { indices: [0] });
    // Patches (0, 2) and (2, 3); the lower triangle.
    expect([0, 2, 3].map((i) => moments.get(graph.nodes[0])![0][i])).toEqual([4, 6, 13]);
  });

  it("rounds to nearest where weights are read by nothing", () => {
    const graph = cases["a matrix product"];
    const [[node, axis]] = linearLayers(graph);
    const dead = [new Float64Array(24 * 24)];
    expect(roundWeights(graph, node, axis, dead)).toEqual(roundWeights(graph, node, axis, undefined));
  });
});
