import { describe, expect, it } from "vitest";
import { type Comparison, Sqnr } from "../../src/compress/compare.ts";
import { quantizeDynamic, quantizeStatic } from "../../src/compress/quantize.ts";
import { type BuildReport, reportOf } from "../../src/compress/report.ts";
import { measureEpk, writeEpk } from "../../src/format/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { exampleGraph } from "../../src/ops/example-graph.ts";
import { optimize } from "../../src/passes/index.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { gridOfRange, i64 } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";

function reported(graph: Graph, result?: Comparison): { report: BuildReport; epk: Uint8Array } {
  const plan = planGraph(graph);
  const epk = writeEpk(plan.pack);
  const comparison = result && ({ source: "calibration", result } as const);
  return { report: reportOf({ mode: "f32", onnx: 12345, epk, plan, comparison, notes: [], warnings: ["careful"] }), epk };
}

const layersOf = (graph: Graph) =>
  reported(graph).report.layers.map(({ name, op, output, macs, params }) => [name, op, output, macs, params].join(" "));

const net = graphOf({
  inputs: { x: [1, 8, 8, 3] },
  constants: { w: random([6, 3, 3, 3], 1), b: random([6], 2), d: random([6, 1, 3, 3], 3), v: random([96, 10], 4), c: random([10], 5) },
  nodes: [
    ["Conv", "x w b", "a", { layout: "NHWC", pads: [1, 1, 1, 1] }],
    ["Conv", "a d", "s", { layout: "NHWC", group: 6, strides: [2, 2], pads: [1, 1, 0, 0] }],
    ["Relu", "s", "r"],
    ["Flatten", "r", "f"],
    ["MatMul", "f v c", "y"],
  ],
  outputs: "y",
});

const grids = new Map([...net.types.keys()].map((value) => [value, gridOfRange(-4, 4)]));

/** A layer before a loop of a hundred rounds and one inside, which writes a value with the name of one outside. */
const loop = (body = "p"): Graph =>
  optimize(
    graphOf({
      inputs: { x: [2, 16] },
      constants: { many: i64([100], []), w: random([16, 16], 1), r: random([16, 16], 2) },
      nodes: [
        ["MatMul", "x w", "a"],
        [
          "Loop",
          "many _ a a r",
          "h",
          {
            captures: 2,
            body: exampleGraph(
              ["i", "go", "s", "e", "r"],
              [
                ["MatMul", "s r", body],
                ["Add", `${body} e`, "q"],
                ["Tanh", "q", "t"],
              ],
              "go t",
            ),
          },
        ],
      ],
      outputs: "h",
    }),
  );

describe("layers of a report", () => {
  it("have the parameters and multiply-accumulates of convolutions, depthwise ones and matrix products", () => {
    expect(layersOf(net)).toEqual([
      // 8 · 8 places, 6 outputs of 3 · 3 · 3; 6 biases.
      `a Conv f32[1,8,8,6] ${64 * 6 * 27} ${6 * 27 + 6}`,
      `s Conv f32[1,4,4,6] ${16 * 6 * 9} ${6 * 9}`,
      "r Relu f32[1,4,4,6] 0 0",
      `y MatMul f32[1,10] ${96 * 10} ${96 * 10 + 10}`,
    ]);
  });

  it("have the same parameters and multiply-accumulates in integers", () => {
    const costs = (graph: Graph) =>
      reported(graph)
        .report.layers.filter(({ macs }) => macs > 0)
        .map(({ name, macs, params }) => [name, macs, params]);
    for (const graph of [quantizeStatic(net, grids), quantizeDynamic(net)]) expect(costs(graph)).toEqual(costs(net));
  });

  it("have a layer in a loop as often as it runs", () => {
    const layers = reported(loop()).report.layers;
    const products = layers.filter(({ op }) => op === "MatMul").map(({ macs, params }) => [macs, params]);
    expect(products).toEqual([
      [2 * 16 * 16, 256],
      [100 * 2 * 16 * 16, 256],
    ]);
    expect(layers.filter(({ op }) => op !== "MatMul").every(({ macs }) => macs === 0)).toBe(true);
  });

  it("have their bytes in the file, near 8 bits a weight of random f32 on a grid", () => {
    const { report } = reported(quantizeStatic(net, grids));
    const layer = report.layers.find(({ name }) => name === "y")!;
    expect(layer.bytes).toBeGreaterThan(0.8 * 960);
    expect(layer.bytes).toBeLessThan(1.1 * 960);
    expect(layer.bitsPerWeight).toBe((8 * layer.bytes) / layer.params);
    expect(report.layers.find(({ op }) => op === "Relu")).toMatchObject({ params: 0, bytes: 0, bitsPerWeight: 0 });
  });
});

describe("sizes of a report", () => {
  const shared = graphOf({
    inputs: { x: [2, 32] },
    constants: { w: random([32, 32], 1) },
    nodes: [
      ["MatMul", "x w", "a"],
      ["MatMul", "a w", "y"],
    ],
    outputs: "y",
  });

  it.each(Object.entries({ f32: net, static: quantizeStatic(net, grids), dynamic: quantizeDynamic(net), loop: loop(), shared }))(
    "sum up to the file, none of them negative: %s",
    (_, graph) => {
      const { report, epk } = reported(graph);
      const { onnx, epk: file, ...parts } = report.sizes;
      expect([onnx, file]).toEqual([12345, epk.length]);
      expect(Object.values(parts).reduce((a, b) => a + b)).toBeCloseTo(epk.length, 6);
      const { regions, meta } = measureEpk(epk);
      expect(parts.meta).toBe(meta);
      expect(parts.weights + parts.constants + parts.plan).toBeCloseTo(
        regions.reduce((sum, { bytes }) => sum + bytes, 0),
        6,
      );
      for (const part of ["weights", "plan", "meta", "container"] as const) expect(parts[part], part).toBeGreaterThan(0);
      expect(parts.constants).toBeGreaterThanOrEqual(0);
      // Headers and tables, not data.
      expect(parts.container).toBeLessThan(256);
    },
  );

  it.each(
    Object.entries({ f32: shared, dynamic: quantizeDynamic(shared), expanded: quantizeDynamic(shared, { real: new Set(["x", "a"]) }) }),
  )("count weights that layers share once, though each layer has them: %s", (_, graph) => {
    const { report } = reported(graph);
    const products = report.layers.filter(({ op }) => op === "MatMul");
    expect(products.map(({ bytes }) => bytes)).toEqual([report.sizes.weights, report.sizes.weights]);
  });

  it("count weights by layer where nothing is shared", () => {
    const { report } = reported(quantizeStatic(net, grids));
    expect(report.layers.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(report.sizes.weights, 9);
  });

  it("have the memory of the plan", () => {
    const plan = planGraph(net);
    const { memory } = reported(net).report;
    expect(memory.total).toBe(memory.image + memory.arena);
    expect(memory).toEqual({
      image: plan.pack.meta.image,
      arena: plan.arena.bytes,
      lowerBound: plan.arena.lowerBound,
      total: plan.pack.meta.memory,
    });
  });
});

describe("agreement in a report", () => {
  const outputs = new Sqnr();
  outputs.add([3, 4], (i) => [3, 4.5][i]);
  const result: Comparison = {
    samples: 4,
    layers: new Map([
      ["a", 40],
      ["s", 30],
      ["y", 20],
    ]),
    outputs,
    sameTop1: 3,
  };

  it("is that of the comparison, and absent without one", () => {
    const { agreement, warnings } = reported(net, result).report;
    expect(agreement).toEqual({ samples: 4, source: "calibration", top1: 0.75, sqnr: outputs.decibels, maxDiff: 0.5 });
    expect(warnings).toEqual(["careful"]);
    expect(reported(net).report).not.toHaveProperty("agreement");
  });

  it("finds layers by the names of their values, on grids or not", () => {
    const { layers } = reported(quantizeStatic(net, grids), result).report;
    const sqnr = (name: string) => layers.find((layer) => layer.name === name)!.sqnr;
    expect([sqnr("a"), sqnr("s"), sqnr("y"), sqnr("r")]).toEqual([40, 30, 20, undefined]);
  });

  it("has nothing to say of values inside a loop that have the name of one outside", () => {
    const { layers } = reported(loop("a"), result).report;
    expect(layers.filter(({ op }) => op === "MatMul").map(({ sqnr }) => sqnr)).toEqual([40, undefined]);
  });
});
