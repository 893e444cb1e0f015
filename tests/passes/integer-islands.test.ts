import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { writeEpk } from "../../src/format/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { optimize } from "../../src/passes/index.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { load } from "../../src/run/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { f32, type Tensor, tensor } from "../../src/tensor/index.ts";
import { graphOf, random, randomInputs } from "../graph/build.ts";

const wasm = readFileSync(new URL("../../dist/simd.wasm", import.meta.url));

type Steps = Parameters<typeof graphOf>[0]["nodes"];

/** Parameters of grids for values named a, b, c: scale and zero point, u8 or i8. */
const grid = (name: string, scale: number, zero: number, dtype: "u8" | "i8" = "u8"): Record<string, Tensor> => ({
  [`${name}s`]: f32([scale], []),
  [`${name}z`]: tensor(dtype, [zero], []),
});

/** QuantizeLinear and DequantizeLinear around `value`, which is `value.d` behind them. */
const pair = (value: string, params: string): Steps => [
  ["QuantizeLinear", `${value} ${params}s ${params}z`, `${value}.i`],
  ["DequantizeLinear", `${value}.i ${params}s ${params}z`, `${value}.d`],
];

const integers = (shape: readonly number[], seed: number, dtype: "i8" | "u8" = "i8"): Tensor => {
  const { data } = random(shape, seed);
  return tensor(
    dtype,
    Array.from(data, (v) => Math.round(v * 127) + (dtype === "u8" ? 128 : 0)),
    shape,
  );
};

/** The operators of a graph in order, those with a grid of their own marked by `*`. */
const operators = (graph: Graph): string => graph.nodes.map(({ op, quant }) => (quant ? `${op}*` : op)).join(" ");

/** Optimizes; the result verifies, runs to the same integers in wasm, and is within `steps` quantization steps of the given graph. */
async function expectIsland(graph: Graph, expected: string, step: number): Promise<Graph> {
  const result = optimize(graph);
  verifyGraph(result);
  expect(operators(result)).toBe(expected);
  for (const seed of [3, 4]) {
    const inputs = randomInputs(graph, seed);
    const [want, defined] = [evaluate(graph, inputs), evaluate(result, inputs)];
    using model = await load(writeEpk(planGraph(result).pack), { wasm });
    const actual = model.run(Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data as Float32Array])));
    for (const output of graph.outputs) {
      expect(Array.from(actual[output])).toEqual(Array.from(defined[output].data));
      const apart = Array.from(want[output].data, (v, i) => Math.abs(v - defined[output].data[i]));
      expect(Math.max(...apart)).toBeLessThanOrEqual(step * 1.0001);
    }
  }
  return result;
}

describe("integer islands", () => {
  const convParts = {
    inputs: { x: [1, 3, 6, 6] },
    constants: {
      ...grid("a", 0.01, 120),
      ...grid("c", 0.05, 100),
      w: integers([4, 3, 3, 3], 5),
      ws: f32([0.01, 0.02, 0.005, 0.013]),
      wz: tensor("i8", [0, 0, 0, 0]),
      b: tensor("i32", [1000, -3000, 77, 0]),
      bs: f32([0.0001, 0.0002, 0.00005, 0.00013]),
    },
  };

  it("Conv with weights of an axis, i32 bias and Relu is one integer layer", async () => {
    const graph = graphOf({
      ...convParts,
      nodes: [
        ...pair("x", "a"),
        ["DequantizeLinear", "w ws wz", "w.d", { axis: 0 }],
        ["DequantizeLinear", "b bs", "b.d", { axis: 0 }],
        ["Conv", "x.d w.d b.d", "y", { pads: [1, 1, 1, 1] }],
        ["Relu", "y", "r"],
        ...pair("r", "c"),
      ],
      outputs: "r.d",
    });
    await expectIsland(graph, "QuantizeLinear* Transpose Conv* Transpose DequantizeLinear", 0.05);
  });

  it("sums, products, averages and tables between grids are integer; what only moves elements keeps its integers", async () => {
    const graph = graphOf({
      inputs: { x: [1, 4, 4, 4] },
      constants: { ...grid("a", 0.01, 120), ...grid("b", 1 / 256, 0), ...grid("c", 0.008, 128), ...grid("d", 0.006, 128) },
      nodes: [
        ...pair("x", "a"),
        ["Sigmoid", "x.d", "gate"],
        ...pair("gate", "b"),
        ["Mul", "x.d gate.d", "swish"],
        ...pair("swish", "c"),
        ["Add", "x.d swish.d", "sum"],
        ...pair("sum", "a"),
        ["MaxPool", "sum.d", "max", { kernel_shape: [2, 2], strides: [2, 2] }],
        ...pair("max", "a"),
        ["GlobalAveragePool", "max.d", "mean"],
        ...pair("mean", "d"),
        ["Flatten", "mean.d", "flat"],
        ...pair("flat", "d"),
      ],
      outputs: "flat.d",
    });
    const result = await expectIsland(
      graph,
      "QuantizeLinear* Sigmoid* Mul* Add* Transpose MaxPool GlobalAveragePool* Reshape DequantizeLinear",
      0.006 * 3,
    );
    expect(result.nodes.every(({ op, outputs }) => op === "DequantizeLinear" || result.types.get(outputs[0])?.dtype === "i8")).toBe(true);
  });

  it("weights that were quantized in the graph, transposed, and a last layer without a grid", async () => {
    const graph = graphOf({
      inputs: { x: [3, 8] },
      constants: { ...grid("a", 0.01, -5, "i8"), ...grid("w", 0.01, 0, "i8"), weights: random([5, 8], 9), bias: random([5], 8) },
      nodes: [...pair("x", "a"), ...pair("weights", "w"), ["Gemm", "x.d weights.d bias", "y", { transB: 1 }]],
      outputs: "y",
    });
    const result = await expectIsland(graph, "QuantizeLinear* MatMul", 1e-5);
    expect(result.types.get(result.nodes[1].inputs[1])?.dtype).toBe("i8");
  });

  it("a bias that is added behind the layer goes into it, a factor does not", async () => {
    const graph = (op: string, constant: Tensor) =>
      graphOf({
        inputs: { x: [3, 8] },
        constants: { ...grid("a", 0.01, 120), ...grid("c", 0.1, 128), weights: integers([8, 5], 9), ws: f32([0.01], []), constant },
        nodes: [
          ...pair("x", "a"),
          ["DequantizeLinear", "weights ws", "weights.d"],
          ["MatMul", "x.d weights.d", "product"],
          [op, "product constant", "y"],
          ...pair("y", "c"),
        ],
        outputs: "y.d",
      });
    await expectIsland(graph("Add", random([5], 2)), "QuantizeLinear* MatMul* DequantizeLinear", 0.1);
    await expectIsland(graph("Mul", random([5], 2)), "QuantizeLinear* MatMul Mul QuantizeLinear* DequantizeLinear", 0.1);
  });

  it("u8 weights around 128 are symmetric; with another zero point that does not fit, the layer stays in f32", async () => {
    for (const [zero, expected] of [
      [128, "QuantizeLinear* MatMul* DequantizeLinear"],
      [3, "QuantizeLinear* DequantizeLinear MatMul QuantizeLinear* DequantizeLinear"],
    ] as const) {
      const graph = graphOf({
        inputs: { x: [3, 8] },
        constants: { ...grid("a", 0.01, 120), ...grid("w", 0.01, zero), ...grid("c", 0.1, 128), weights: integers([8, 5], 9, "u8") },
        nodes: [...pair("x", "a"), ["DequantizeLinear", "weights ws wz", "weights.d"], ["MatMul", "x.d weights.d", "y"], ...pair("y", "c")],
        outputs: "y.d",
      });
      await expectIsland(graph, expected, 0.1);
    }
  });

  it("weights of a layer that stays in f32 stay stored on their grid", async () => {
    const graph = graphOf({
      inputs: { x: [3, 8] },
      constants: { ws: f32([0.01, 0.02, 0.03]), weights: integers([8, 3], 9) },
      nodes: [
        ["DequantizeLinear", "weights ws", "weights.d", { axis: 1 }],
        ["MatMul", "x weights.d", "y"],
      ],
      outputs: "y",
    });
    const result = optimize(graph);
    expect(operators(result)).toBe("DequantizeLinear MatMul");
    const inputs = randomInputs(graph, 5);
    using model = await load(writeEpk(planGraph(result).pack), { wasm });
    const actual = model.run({ x: inputs.x.data as Float32Array }).y as Float32Array;
    evaluate(graph, inputs).y.data.forEach((want, i) => {
      expect(actual[i]).toBeCloseTo(want, 5);
    });
  });

  it("a table of embeddings stays integers until its rows are taken", async () => {
    const graph = graphOf({
      inputs: { x: { dtype: "i32", shape: [3] } },
      constants: { ...grid("t", 0.02, 120), table: integers([6, 4], 3, "u8") },
      nodes: [
        ["DequantizeLinear", "table ts tz", "table.d"],
        ["Gather", "table.d x", "y", { axis: 0 }],
      ],
      outputs: "y",
    });
    const result = optimize(graph);
    verifyGraph(result);
    expect(operators(result)).toBe("Gather DequantizeLinear");
    const x = tensor("i32", [5, 0, 2]);
    using model = await load(writeEpk(planGraph(result).pack), { wasm });
    expect(Array.from(model.run({ x: x.data as Int32Array }).y)).toEqual(Array.from(evaluate(graph, { x }).y.data));
  });

  it("a move to another grid is one table, and a constant of one value has a grid of its own", async () => {
    const graph = graphOf({
      inputs: { x: [2, 6] },
      constants: { ...grid("a", 0.01, 120), ...grid("b", 0.02, 100), half: f32([0.5], []), shape: tensor("i64", [3, 4]) },
      nodes: [...pair("x", "a"), ["Reshape", "x.d shape", "r"], ...pair("r", "b"), ["Mul", "r.d half", "y"], ...pair("y", "a")],
      outputs: "y.d",
    });
    await expectIsland(graph, "QuantizeLinear* Reshape QuantizeLinear* Mul* DequantizeLinear", 0.01);
  });

  it("integers that go in and out of the model are those of the grids", async () => {
    const graph = graphOf({
      inputs: { x: { dtype: "u8", shape: [2, 5] } },
      constants: { ...grid("a", 0.01, 120), ...grid("b", 0.02, 100) },
      nodes: [
        ["DequantizeLinear", "x as az", "x.d"],
        ["Tanh", "x.d", "y"],
        ["QuantizeLinear", "y bs bz", "y.q"],
      ],
      outputs: "y.q",
    });
    const result = optimize(graph);
    verifyGraph(result);
    expect(operators(result)).toBe("ToGrid* Tanh* FromGrid");
    const data = Uint8Array.of(0, 1, 60, 119, 120, 121, 127, 128, 200, 255);
    using model = await load(writeEpk(planGraph(result).pack), { wasm });
    const expected = Array.from(data, (q) => Math.round(Math.tanh((q - 120) * 0.01) / 0.02) + 100);
    expect(Array.from(model.run({ x: data })["y.q"])).toEqual(expected);
  });

  it("a layer over a dynamically quantized input quantizes it itself", async () => {
    const graph = graphOf({
      inputs: { x: [3, 8] },
      constants: { w: integers([8, 5], 9), ws: f32([0.01], []), wz: tensor("i8", [0], []), b: random([5], 4) },
      nodes: [
        ["DynamicQuantizeLinear", "x", "xq xs xz"],
        ["MatMulInteger", "xq w xz wz", "acc"],
        ["Cast", "acc", "real", { to: 1 }],
        ["Mul", "xs ws", "scale"],
        ["Mul", "real scale", "product"],
        ["Add", "product b", "y"],
      ],
      outputs: "y",
    });
    await expectIsland(graph, "MatMul", 1e-5);
  });
});
