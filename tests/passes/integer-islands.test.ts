import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { writeEpk } from "../../src/format/index.ts";
import { evaluate } from "../../src/graph/evaluate.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { verifyGraph } from "../../src/graph/verify.ts";
import { optimize } from "../../src/passes/index.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { load } from "../../src/run/index.ts";
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
});
