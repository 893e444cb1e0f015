import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { quantizeDynamic, quantizeStatic } from "../../src/compress/quantize.ts";
import { writeEpk } from "../../src/format/index.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { readOnnx } from "../../src/onnx/index.ts";
import { optimize } from "../../src/passes/index.ts";
import { blocksOf, sparseMatrix } from "../../src/plan/blocks.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { load } from "../../src/run/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { gridOfRange, type Tensor } from "../../src/tensor/index.ts";
import { moduleOf } from "../format/wasm.ts";
import { graphOf, random, randomInputs } from "../graph/build.ts";

type Pruning = "blocks" | "singles";

/** Keeps every eighth block, or every tenth weight, of each layer that a sparse kernel could read. */
function prune(graph: Graph, how: Pruning): Graph {
  const constants = new Map(graph.constants);
  for (const node of graph.nodes) {
    const weights = constants.get(node.inputs[1]);
    const matrix = weights && sparseMatrix(node, weights.shape);
    if (!weights || !matrix) continue;
    const kept = new Set(how === "blocks" ? [...blocksOf(matrix)].filter((_, i) => i % 8 === 3).flat() : []);
    const stays = (at: number): boolean => (how === "blocks" ? kept.has(at) : (at * 7919) % 10 === 3);
    constants.set(node.inputs[1], { ...weights, data: (weights.data as Float32Array).map((v, at) => (stays(at) ? v : 0)) });
  }
  return { ...graph, constants };
}

/** On the grid of what each value was for one input. */
function integers(graph: Graph, inputs: Record<string, Tensor>): Graph {
  const grids = new Map(Object.entries(inputs).map(([name, { data }]) => [name, rangeOf(data)]));
  evaluate(graph, inputs, (name, { data }) => grids.set(name, rangeOf(data)));
  return quantizeStatic(graph, grids);
}

const rangeOf = (data: ArrayLike<number>) => gridOfRange(Math.min(0, ...Array.from(data)), Math.max(0, ...Array.from(data)));

async function run(graph: Graph, inputs: Record<string, Tensor>, build: "simd" | "scalar") {
  const model = await load(writeEpk(planGraph(graph).pack), { wasm: moduleOf(build) });
  return model.run(Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data as Float32Array])));
}

const kernelsOf = (graph: Graph): (string | undefined)[] =>
  planGraph(graph)
    .layers.filter(({ node, records }: { node: Node; records: number }) => records > 0 && ["Conv", "MatMul"].includes(node.op))
    .map(({ sparse }) => sparse);

const dscnn = optimize(readOnnx(readFileSync(new URL("../../examples/fashion-mnist/dscnn.onnx", import.meta.url)), {}).graph);

/** Layers of every sort, and weights whose outputs and steps do not fill whole blocks. */
const net = optimize(
  graphOf({
    inputs: { x: [2, 6, 9, 9] },
    constants: {
      w: random([24, 6, 3, 3], 1),
      b: random([24], 2),
      d: random([24, 1, 3, 3], 3),
      g: random([40, 12, 3, 3], 4),
      p: random([23, 40, 1, 1], 5),
      v: random([575, 37], 6),
      c: random([37], 7),
    },
    nodes: [
      ["Conv", "x w b", "a", { pads: [1, 1, 1, 1] }],
      ["Relu", "a", "r"],
      ["Conv", "r d", "s", { group: 24, pads: [1, 1, 1, 1] }],
      ["Conv", "s g", "t", { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] }],
      ["Conv", "t p", "u"],
      ["Flatten", "u", "f"],
      ["MatMul", "f v c", "y"],
    ],
    outputs: "y",
  }),
);

describe.each([
  ["a model of depthwise and pointwise layers", dscnn],
  ["layers of every sort", net],
])("%s, pruned", (_, graph) => {
  describe.each(["blocks", "singles"] as const)("by %s", (how) => {
    const pruned = prune(graph, how);
    const inputs = randomInputs(pruned, 5);
    const form = how === "blocks" ? "bsr" : "csr";

    it.each(["simd", "scalar"] as const)("gives the integers of its definition, %s", async (build) => {
      const quantized = integers(pruned, inputs);
      expect(kernelsOf(quantized)).toContain(`qs8_sparse_${form}`);
      const expected = evaluate(quantized, inputs);
      const actual = await run(quantized, inputs, build);
      for (const output of graph.outputs) expect([...actual[output]]).toEqual([...expected[output].data]);
    });

    it("gives the same for inputs that are quantized while it runs", async () => {
      const quantized = quantizeDynamic(pruned);
      expect(kernelsOf(quantized)).toContain(`qs8_sparse_${form}`);
      const expected = evaluate(quantized, inputs);
      const actual = await run(quantized, inputs, "simd");
      for (const output of graph.outputs)
        for (const [i, want] of expected[output].data.entries()) expect(actual[output][i]).toBeCloseTo(want, 4);
    });

    it("gives the f32 of its definition, the same bits in both builds", async () => {
      expect(kernelsOf(pruned)).toContain(`f32_sparse_${form}`);
      const expected = evaluate(pruned, inputs);
      const [simd, scalar] = [await run(pruned, inputs, "simd"), await run(pruned, inputs, "scalar")];
      expect(simd).toEqual(scalar);
      for (const output of graph.outputs)
        for (const [i, want] of expected[output].data.entries()) expect(simd[output][i]).toBeCloseTo(want, 4);
    });
  });
});

describe("the choice of a kernel", () => {
  it("leaves dense weights and depthwise layers to dense kernels", () => {
    expect(kernelsOf(net).every((sparse) => sparse === undefined)).toBe(true);
    expect(kernelsOf(prune(net, "blocks"))[1]).toBeUndefined();
  });

  it("takes what is pruned into less memory and a smaller file", () => {
    const [dense, sparse] = [planGraph(net), planGraph(prune(net, "blocks"))].map(({ pack }) => pack);
    expect(sparse.meta.image).toBeLessThan(0.5 * dense.meta.image);
    expect(writeEpk(sparse).length).toBeLessThan(0.5 * writeEpk(dense).length);
  });
});

describe("a hostile pack", () => {
  it.each(["blocks", "singles"] as const)("whose %s lead out of memory stops with EPK_INVALID", async (how) => {
    const { pack } = planGraph(prune(net, how));
    const regions = pack.regions.map((region) => ({ ...region, data: region.data.slice() }));
    for (const { data } of regions) if (data instanceof Uint8Array) data.fill(255);
    // The numbers of units: the only i32 constants of a model in f32, beside its plan.
    const [, counts] = regions.filter(({ data }) => data instanceof Int32Array);
    counts.data.fill(2 ** 31 - 1);
    const model = await load(writeEpk({ ...pack, regions }), { wasm: moduleOf("simd") });
    expect(() => model.run({ x: new Float32Array(2 * 6 * 9 * 9) })).toThrow(expect.objectContaining({ code: "EPK_INVALID" }));
  });
});
