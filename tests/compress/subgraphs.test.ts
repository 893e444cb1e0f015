import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { quantizeDynamic, quantizeStatic } from "../../src/compress/quantize.ts";
import { writeEpk } from "../../src/format/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { exampleGraph } from "../../src/ops/example-graph.ts";
import { optimize } from "../../src/passes/index.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { load } from "../../src/run/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { gridOfRange, i64, type Quant } from "../../src/tensor/index.ts";
import { graphOf, random, randomInputs } from "../graph/build.ts";

const wasm = readFileSync(new URL("../../dist/simd.wasm", import.meta.url));

/** A layer before a loop, one inside, and one behind it. */
const net: Graph = optimize(
  graphOf({
    inputs: { x: [2, 8] },
    constants: { many: i64([100], []), w: random([8, 8], 1), r: random([8, 8], 2), v: random([8, 4], 3) },
    nodes: [
      ["MatMul", "x w", "a"],
      [
        "Loop",
        "many _ a a r",
        "h",
        {
          captures: 2,
          body: exampleGraph(
            ["i", "go", "s", "a", "r"],
            [
              ["MatMul", "s r", "p"],
              ["Add", "p a", "q"],
              ["Tanh", "q", "t"],
            ],
            "go t",
          ),
        },
      ],
      ["MatMul", "h v", "y"],
    ],
    outputs: "y",
  }),
);

describe("quantization around subgraphs", () => {
  const inputs = randomInputs(net, 1);
  const grids = new Map<string, Quant>();
  for (const [name, { data }] of Object.entries(inputs)) grids.set(name, gridOfRange(Math.min(...data), Math.max(...data)));
  evaluate(net, inputs, (name, { data }) => grids.set(name, gridOfRange(Math.min(...data), Math.max(...data))));

  for (const [mode, quantized] of [
    ["static", quantizeStatic(net, grids)],
    ["dynamic", quantizeDynamic(net)],
  ] as const) {
    it(`${mode}: layers inside have their weights on a grid and compute in f32, and what is outside takes the grids`, async () => {
      verifyGraph(quantized);
      const loop = quantized.nodes.find(({ op }) => op === "Loop")!;
      const body = loop.attrs.body as Graph;
      expect(body.nodes.map(({ op }) => op)).toEqual(["DequantizeLinear", "MatMul", "Add", "Tanh"]);
      expect([...body.constants.values()].filter(({ dtype }) => dtype === "i8").length).toBe(1);
      expect([...quantized.constants.values()].filter(({ dtype }) => dtype === "i8").length).toBe(2);
      const model = await load(writeEpk(planGraph(quantized).pack), { wasm });
      const expected = evaluate(quantized, inputs).y;
      const actual = model.run({ x: inputs.x.data } as never) as Record<string, ArrayLike<number>>;
      expected.data.forEach((want, i) => {
        expect(actual.y[i], `y[${i}]`).toBeCloseTo(want, 3);
      });
      model.dispose();
    });
  }
});
