import { describe, expect, it } from "vitest";
import { quantizeDynamic, quantizeStatic } from "../../src/compress/quantize.ts";
import { exportOnnx } from "../../src/export.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { readOnnx } from "../../src/onnx/index.ts";
import { optimize } from "../../src/passes/index.ts";
import { portable } from "../../src/passes/portable.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { f32, gridOfRange, type Quant } from "../../src/tensor/index.ts";
import { graphOf, random, randomInputs } from "../graph/build.ts";

const net = optimize(
  graphOf({
    inputs: { x: [1, 3, 8, 8] },
    constants: {
      w1: random([8, 3, 3, 3], 1),
      b1: random([8], 2),
      w2: random([8, 1, 3, 3], 3),
      w3: random([8, 8, 1, 1], 4),
      w4: random([16, 8], 5),
      b4: random([16], 6),
      w5: random([16, 5], 7),
      low: f32([0], []),
      six: f32([6], []),
    },
    nodes: [
      ["Conv", "x w1 b1", "c1", { pads: [1, 1, 1, 1], strides: [2, 2] }],
      ["Relu", "c1", "r1"],
      ["Conv", "r1 w2", "c2", { pads: [1, 1, 1, 1], group: 8 }],
      ["Clip", "c2 low six", "r2"],
      ["Conv", "r2 w3", "c3"],
      ["Add", "c3 r1", "sum"],
      ["GlobalAveragePool", "sum", "mean"],
      ["Flatten", "mean", "flat"],
      ["Gemm", "flat w4 b4", "hidden", { transB: 1 }],
      ["Gelu", "hidden", "active"],
      ["MatMul", "active w5", "y"],
    ],
    outputs: "y",
  }),
);

function gridsOf(graph: Graph): Map<string, Quant> {
  const values = graph.nodes.flatMap(({ outputs }) => outputs).filter((value) => graph.types.get(value)?.dtype === "f32");
  const inputs = randomInputs(graph, 11);
  const seen = { ...evaluate({ ...graph, outputs: values }, inputs), ...inputs };
  return new Map(Object.entries(seen).map(([name, { data }]) => [name, gridOfRange(Math.min(...data), Math.max(...data))]));
}

/** Largest difference of the output on a few inputs, in parts of the output's range. */
function apart(a: Graph, b: Graph): number {
  const gaps = [1, 2, 3].map((seed) => {
    const inputs = randomInputs(a, seed);
    const [wanted, actual] = [evaluate(a, inputs).y.data, evaluate(b, inputs).y.data];
    const range = Math.max(...wanted) - Math.min(...wanted);
    return Math.max(...Array.from(wanted, (v, i) => Math.abs(v - actual[i]))) / range;
  });
  return Math.max(...gaps);
}

const STATIC = quantizeStatic(net, gridsOf(net));

describe("portable", () => {
  it.each([
    ["f32", net, 1e-5],
    ["static int8", STATIC, 0.01],
  ] as const)("%s computes the same, and can be written", (_name, graph, tolerance) => {
    const written = portable(graph);
    verifyGraph(written);
    expect(written.nodes.filter(({ quant, attrs }) => quant || attrs.layout === "NHWC")).toEqual([]);
    expect([...written.types.values()].filter(({ quant }) => quant)).toEqual([]);
    expect(apart(graph, written)).toBeLessThan(tolerance);
    expect(apart(graph, readOnnx(exportOnnx(graph)).graph)).toBeLessThan(tolerance);
  });

  it("layers that quantize their input while they run are written step by step, and read back as themselves", () => {
    const dynamic = quantizeDynamic(net);
    const written = portable(dynamic);
    verifyGraph(written);
    const layers = dynamic.nodes.filter(({ inputs }) => dynamic.types.get(inputs[1])?.quant);
    expect(layers.length).toBe(4);
    expect(written.nodes.filter(({ op }) => /^(MatMul|Conv)Integer$/.test(op)).length).toBe(layers.length);
    expect(apart(dynamic, written)).toBeLessThan(0.01);
    const again = optimize(readOnnx(exportOnnx(dynamic)).graph);
    expect(again.nodes.map(({ op }) => op)).toEqual(dynamic.nodes.map(({ op }) => op));
    expect(apart(dynamic, again)).toBeLessThan(1e-6);
  });

  it.each(["i8", "u8"] as const)("what was written with %s reads back as the same integer layers", (activations) => {
    const again = optimize(readOnnx(exportOnnx(STATIC, { activations })).graph);
    verifyGraph(again);
    const integers = (graph: Graph) =>
      graph.nodes.filter(({ quant }) => quant).map(({ op, quant }) => `${op} ${quant?.scale[0]} ${quant?.zero}`);
    expect(integers(again)).toEqual(integers(STATIC));
    expect(apart(STATIC, again)).toBe(0);
  });

  it("transposes of the layout that kernels read are gone", () => {
    expect(portable(STATIC).nodes.filter(({ op }) => op === "Transpose")).toEqual([]);
  });

  it("Softmax over all axes from one on is one of rows", () => {
    const graph = graphOf({
      inputs: { x: [2, 3, 4] },
      nodes: [["Softmax", "x", "y", { axis: 1, coerce: 1 }]],
      outputs: "y",
    });
    expect(apart(graph, readOnnx(exportOnnx(graph)).graph)).toBeLessThan(1e-6);
  });
});
