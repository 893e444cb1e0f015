import { describe, expect, it } from "vitest";
import { layerView } from "../../src/compress/layer-view.ts";
import { inputMoments } from "../../src/compress/moments.ts";
import { linearLayers } from "../../src/compress/quantize.ts";
import { roundWeights } from "../../src/compress/round.ts";
import type { Dataset } from "../../src/data/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { dequantizeTensor, f32, type Tensor } from "../../src/tensor/index.ts";
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

  const symmetric = (k: number, at: (i: number, j: number) => number): Float64Array =>
    Float64Array.from({ length: k * k }, (_, i) => at(Math.floor(i / k), i % k));

  /** Σ (w − ŵ)ᵀ M (w − ŵ) over the outputs of a matrix product. */
  function quadraticError(weights: Tensor, rounded: Tensor, moments: Float64Array): number {
    const [k, outputs] = weights.shape;
    const real = dequantizeTensor(rounded).data;
    let sum = 0;
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < k; i++) {
        for (let j = 0; j < k; j++) {
          const [a, b] = [i, j].map((r) => weights.data[r * outputs + o] - real[r * outputs + o]);
          sum += a * b * moments[Math.max(i, j) * k + Math.min(i, j)];
        }
      }
    }
    return sum;
  }

  /** Moments of 40 random inputs with a mean, so that neighbours are alike. */
  function momentsOf(k: number, seed: number): Float64Array {
    const rows = Array.from({ length: 40 }, (_, i) => random([k], seed + i).data.map((v) => 0.7 + v));
    return symmetric(k, (i, j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0));
  }

  it.each([1, 2, 3, 4, 5])("has at most the error of nearest on the moments it is given (%i)", (seed) => {
    const graph = graphOf({
      inputs: { x: [1, 20] },
      constants: { w: random([20, 6], seed) },
      nodes: [["MatMul", "x w", "y"]],
      outputs: "y",
    });
    const [[node, axis]] = linearLayers(graph);
    const moments = momentsOf(20, 100 * seed);
    const weights = graph.constants.get("w")!;
    const nearest = quadraticError(weights, roundWeights(graph, node, axis, undefined), moments);
    const rounded = roundWeights(graph, node, axis, [moments]);
    expect(quadraticError(weights, rounded, moments)).toBeLessThanOrEqual(nearest);
    expect(rounded.quant).toEqual(roundWeights(graph, node, axis, undefined).quant);
  });

  it.each(Object.entries(cases))("stays within −127..127 on a scale for each output channel: %s", (_, graph) => {
    const [[node, axis]] = linearLayers(graph);
    const view = layerView(graph, node)!;
    // Moments that are nearly singular make up for errors by the most.
    const moments = Array.from({ length: view.groups }, (_, g) => symmetric(view.k, (i, j) => 1e6 * (1 + (i === j ? 1e-9 : 0)) + g));
    const { data, quant, shape } = roundWeights(graph, node, axis, moments);
    expect(Math.max(...data.map(Math.abs))).toBe(127);
    expect(data).not.toContain(-128);
    expect([quant!.axis, quant!.zero, quant!.scale.length]).toEqual([axis, 0, shape[axis]]);
    const weights = graph.constants.get("w")!.data;
    for (let o = 0; o < view.outputs; o++) {
      const largest = Math.max(...Array.from({ length: view.k }, (_, r) => Math.abs(weights[view.weight(o, r)])));
      expect(quant!.scale[o]).toBe(Math.fround(largest / 127));
    }
  });

  it.each(Object.entries(cases))("is rounding to nearest where inputs are unlike and as strong: %s", (_, graph) => {
    const [[node, axis]] = linearLayers(graph);
    const view = layerView(graph, node)!;
    const identity = Array.from({ length: view.groups }, () => symmetric(view.k, (i, j) => (i === j ? 5 : 0)));
    expect(roundWeights(graph, node, axis, identity)).toEqual(roundWeights(graph, node, axis, undefined));
  });
});
