import { describe, expect, it } from "vitest";
import { calibrate } from "../../src/compress/calibrate.ts";
import { compressGraph } from "../../src/compress/compress.ts";
import { quantizeStatic } from "../../src/compress/quantize.ts";
import { checkRecipe } from "../../src/compress/recipe.ts";
import { macsOf } from "../../src/compress/report.ts";
import { roundingNoise, sensitiveValues } from "../../src/compress/sensitivity.ts";
import { surrogateDataset } from "../../src/compress/surrogate.ts";
import { type Dataset, syntheticDataset } from "../../src/data/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { f32, type Quant, roundToFloat16 } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";

const indices = [0, 1, 2, 3, 4, 5, 6, 7];
const dataFor = (graph: Graph, seed = 1): Dataset => syntheticDataset(planGraph(graph).pack.meta.inputs, 8, seed);
const gridsFor = (graph: Graph, data: Dataset): Promise<Map<string, Quant>> =>
  calibrate(graph, data, { indices, observer: { kind: "minmax" } });

async function keptOf(graph: Graph, data = dataFor(graph)): Promise<string[]> {
  const noise = await roundingNoise(graph, await gridsFor(graph, data), data, { indices });
  return [...sensitiveValues(graph, noise).kept];
}

/** Channel 0 of what `scale` multiplies is thousands of times as large as the others, and the layer behind reads it with weights as small. */
function outlier(width: number, wide: number): Graph {
  const large = 4000;
  const diagonal = f32(
    Array.from({ length: width }, (_, i) => (i === 0 ? large : 1)),
    [width],
  );
  const down = random([width, width], 3);
  const damped = f32(
    down.data.map((v, i) => (i < width ? v / large : v)),
    [width, width],
  );
  return graphOf({
    inputs: { x: [8, width] },
    constants: { w: random([width, wide], 1), u: random([wide, width], 2), diagonal, damped, v: random([width, wide], 4) },
    nodes: [
      ["MatMul", "x w", "a"],
      ["MatMul", "a u", "b"],
      ["Mul", "b diagonal", "c"],
      ["Transpose", "c", "d", { perm: [1, 0] }],
      ["Transpose", "d", "e", { perm: [1, 0] }],
      ["MatMul", "e damped", "f"],
      ["MatMul", "f v", "y"],
    ],
    outputs: "y",
  });
}

/** Multiply-accumulates of the layers that do not compute in integers. */
function realMacs(graph: Graph): number {
  return graph.nodes
    .filter(({ inputs }) => graph.types.get(inputs[0])?.dtype === "f32")
    .reduce((sum, node) => sum + macsOf(node, graph), 0);
}

const allMacs = (graph: Graph): number => graph.nodes.reduce((sum, node) => sum + macsOf(node, graph), 0);

describe("sensitivity", () => {
  it("keeps a value with a hopeless channel in f32, with what holds its elements, and no other", async () => {
    expect(await keptOf(outlier(8, 32))).toEqual(["c", "d", "e"]);
  });

  it("keeps nothing where all is well", async () => {
    const well = graphOf({
      inputs: { x: [4, 16] },
      constants: { w: random([16, 16], 1), v: random([16, 16], 2) },
      nodes: [
        ["MatMul", "x w", "a"],
        ["Relu", "a", "r"],
        ["MatMul", "r v", "y"],
      ],
      outputs: "y",
    });
    expect(await keptOf(well)).toEqual([]);
  });

  it("moves a quarter of the multiply-accumulates at most", async () => {
    // The layer behind the outlier has 32 · 32 weights of 32 · (32 + 3 · 8), and of 32 · (32 + 3 · 64).
    expect(await keptOf(outlier(32, 8))).toEqual([]);
    expect(await keptOf(outlier(32, 64))).toEqual(["c", "d", "e"]);
    const graph = outlier(8, 32);
    const data = dataFor(graph);
    const grids = await gridsFor(graph, data);
    const real = sensitiveValues(graph, await roundingNoise(graph, grids, data, { indices })).kept;
    const moved = realMacs(quantizeStatic(graph, grids, { real })) / allMacs(graph);
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThanOrEqual(0.25);
  });

  it("keeps a value whose grid turns outputs into infinities", async () => {
    const graph = graphOf({
      inputs: { x: [1, 2], z: [1, 16] },
      constants: { one: f32([1, 0, 0, 1], [2, 2]), w: random([16, 16], 1) },
      nodes: [
        ["MatMul", "x one", "a"],
        ["Reciprocal", "a", "y"],
        ["MatMul", "z w", "b"],
      ],
      outputs: "y b",
    });
    const items: Dataset = {
      ...dataFor(graph),
      item: async (i) => ({ x: Float32Array.of(0.01, 100), z: random([16], i).data as Float32Array }),
    };
    expect(await keptOf(graph, items)).toEqual(["x"]);
  });

  it("is not blinded by an item with NaN", async () => {
    const graph = outlier(8, 32);
    const data = dataFor(graph);
    const wild: Dataset = { ...data, item: async (i) => (i === 3 ? { x: new Float32Array(64).fill(Number.NaN) } : data.item(i)) };
    expect(await keptOf(graph, wild)).toEqual(["c", "d", "e"]);
  });

  it("looks before a Softmax that hides noise", async () => {
    const graph = outlier(8, 32);
    const scored: Graph = graphOf({
      inputs: { x: [8, 8] },
      constants: Object.fromEntries(graph.constants),
      nodes: [
        ...graph.nodes.map(({ op, inputs, outputs, attrs }) => [op, inputs.join(" "), outputs.join(" "), attrs] as const),
        ["Softmax", "y", "z"],
      ],
      outputs: "z",
    });
    expect(await keptOf(scored)).toEqual(["c", "d", "e"]);
  });

  it("reports each measurement: as many as there are values, on each item", async () => {
    const graph = outlier(8, 32);
    const data = dataFor(graph);
    const seen: string[] = [];
    const grids = await gridsFor(graph, data);
    await roundingNoise(graph, grids, data, { indices, onProgress: (done, total) => seen.push(`${done}/${total}`) });
    expect(seen).toEqual(Array.from({ length: 5 * indices.length }, (_, i) => `${i + 1}/${5 * indices.length}`));
  });
});

describe("the step quantize", () => {
  const quantized = (graph: Graph, calibration: Dataset | undefined, options = {}) =>
    compressGraph(graph, checkRecipe([{ step: "quantize", ...options }]), { calibration });
  const weightsOf = ({ constants }: Graph): [name: string, data: Int8Array][] =>
    [...constants].filter(([, { quant }]) => quant?.axis !== undefined).map(([name, { data }]) => [name, data as Int8Array]);

  it("gives the same for the same data", async () => {
    const graph = outlier(8, 32);
    const weights = async (seed: number) => weightsOf((await quantized(graph, dataFor(graph, seed))).graph);
    expect(await weights(1)).toEqual(await weights(1));
    expect(await weights(1)).not.toEqual(await weights(2));
  });

  it.each(["static", "dynamic"])(
    "puts the weights of each layer on grids but those of small layers that read a real value (%s)",
    async (activations) => {
      const graph = outlier(4, 256);
      const { graph: result, notes } = await quantized(graph, dataFor(graph), { activations });
      verifyGraph(result);
      // 16 weights of 3,088.
      expect(notes).toEqual([{ step: "quantize", activations, keptInF32: ["c", "d", "e"], layersInF32: ["f"] }]);
      expect(weightsOf(result).map(([name]) => name)).toEqual(["w.q1", "u.q1", "v.q1"]);
      expect(result.constants.get("damped")).toBe(graph.constants.get("damped"));
    },
  );

  it("stores the weights of layers that are not small on grids, though they compute in f32", async () => {
    const graph = outlier(8, 32);
    const { notes } = await quantized(graph, dataFor(graph));
    expect(notes).toMatchObject([{ keptInF32: ["c", "d", "e"], layersInF32: [] }]);
  });

  it("refuses an item with NaN by name", async () => {
    const graph = outlier(8, 32);
    const data = dataFor(graph);
    const wild: Dataset = { ...data, item: async (i) => (i === 3 ? { x: new Float32Array(64).fill(Number.NaN) } : data.item(i)) };
    await expect(quantized(graph, wild)).rejects.toMatchObject({
      code: "DATA_INVALID",
      message: expect.stringContaining("item 3: input x is NaN"),
    });
  });

  it.each([
    { title: "4 bits", weights: { bits: 4 }, values: 15, largest: 7 },
    { title: "ternary", weights: { levels: 3 }, values: 3, largest: 1 },
    { title: "lopsided", weights: { bits: 4, symmetric: false }, values: 31, largest: 15 },
  ])("keeps weights within their grid: $title", async ({ weights, values, largest }) => {
    const graph = outlier(8, 32);
    const { graph: result } = await quantized(graph, dataFor(graph), { weights, keepSensitive: false });
    for (const [name, data] of weightsOf(result)) {
      const reach = Math.max(...data.map(Math.abs));
      expect([name, reach <= largest && reach > 0]).toEqual([name, true]);
      expect(new Set(data).size).toBeLessThanOrEqual(values);
    }
  });

  it("has as many values as a codebook, 0 among them", async () => {
    const graph = outlier(8, 32);
    const { graph: result } = await quantized(graph, dataFor(graph), { weights: { codebook: 6 } });
    for (const [, data] of weightsOf(result)) expect(new Set(data).size).toBeLessThanOrEqual(6);
  });

  it("keeps layers as they are told, by name", async () => {
    const graph = outlier(8, 32);
    const { graph: result } = await quantized(graph, dataFor(graph), {
      keepSensitive: false,
      layers: [
        { match: "a", keep: "f32" },
        { match: "b*", keep: "f16" },
        { match: "y", weights: { levels: 3 } },
      ],
    });
    expect(weightsOf(result).map(([name]) => name)).toEqual(["damped.q1", "v.q1"]);
    expect(new Set(weightsOf(result)[1][1]).size).toBeLessThanOrEqual(3);
    expect(result.constants.get("w")).toBe(graph.constants.get("w"));
    const halves = result.constants.get("u")!.data;
    expect(halves).toEqual(Float32Array.from(graph.constants.get("u")!.data, roundToFloat16));
    expect(halves).not.toEqual(graph.constants.get("u")!.data);
  });

  it("refuses patterns that match no layer", async () => {
    const graph = outlier(8, 32);
    await expect(quantized(graph, dataFor(graph), { layers: [{ match: "conv*", keep: "f32" }] })).rejects.toThrow(/conv\*.*\n {2}- a\n/);
  });

  it("leaves activations f32 where it is asked to", async () => {
    const graph = outlier(8, 32);
    const { graph: result } = await quantized(graph, dataFor(graph), { activations: "none" });
    for (const node of result.nodes) if (node.op === "MatMul") expect(result.types.get(node.inputs[0])!.dtype).toBe("f32");
    expect(weightsOf(result).length).toBe(4);
  });
});

describe("surrogate inputs", () => {
  const correlation = (data: ArrayLike<number>, pairs: readonly (readonly [number, number])[]): number => {
    const mean = (of: readonly number[]): number => of.reduce((sum, v) => sum + v, 0) / of.length;
    const [a, b] = [0, 1].map((side) => pairs.map((pair) => data[pair[side as 0 | 1]]));
    const [ma, mb] = [mean(a), mean(b)];
    const covariance = mean(a.map((v, i) => (v - ma) * (b[i] - mb)));
    return covariance / Math.sqrt(mean(a.map((v) => (v - ma) ** 2)) * mean(b.map((v) => (v - mb) ** 2)));
  };

  it("have neighbours that are alike where the input is an image, and white noise elsewhere", async () => {
    const item = await surrogateDataset(
      [
        { name: "planar", shape: [1, 3, 32, 32] },
        { name: "interleaved", shape: [1, 32, 32, 3] },
        { name: "tokens", shape: [1, 3072] },
      ],
      4,
      7,
    ).item(2);
    const right = Array.from({ length: 1000 }, (_, i) => [i, i + 1] as const);
    expect(correlation(item.planar, right)).toBeGreaterThan(0.7);
    expect(
      correlation(
        item.interleaved,
        right.map(([a, b]) => [3 * a, 3 * b] as const),
      ),
    ).toBeGreaterThan(0.7);
    expect(Math.abs(correlation(item.tokens, right))).toBeLessThan(0.1);
    for (const name of ["planar", "interleaved", "tokens"]) expect(item[name].length).toBe(3072);
  });

  it("depend on the seed and the item alone", async () => {
    const inputs = [{ name: "x", shape: [1, 1, 8, 8] }];
    const item = (seed: number, i: number, count = 4) => surrogateDataset(inputs, count, seed).item(i);
    expect(await item(1, 2)).toEqual(await item(1, 2, 9));
    expect(await item(1, 2)).not.toEqual(await item(1, 3));
    expect(await item(1, 2)).not.toEqual(await item(2, 2));
  });

  it("fill a batch with images that differ", async () => {
    const { x } = await surrogateDataset([{ name: "x", shape: [2, 3, 8, 8] }], 1, 0).item(0);
    expect(x.length).toBe(2 * 3 * 8 * 8);
    expect(x.slice(0, 192)).not.toEqual(x.slice(192));
  });

  it("are interleaved bytes where the runtime preprocesses", async () => {
    const preprocess = { layout: "nchw", mean: [0, 0, 0], std: [1, 1, 1] } as const;
    const { x } = await surrogateDataset([{ name: "x", shape: [1, 3, 16, 16], preprocess }], 1, 0).item(0);
    expect(x).toBeInstanceOf(Uint8Array);
    expect(x.length).toBe(768);
    expect(
      correlation(
        x,
        Array.from({ length: 250 }, (_, i) => [3 * i, 3 * i + 3] as const),
      ),
    ).toBeGreaterThan(0.6);
    expect(new Set(x).size).toBeGreaterThan(40);
  });
});
