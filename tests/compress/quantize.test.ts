import { describe, expect, it } from "vitest";
import { type Decisions, quantizeDynamic, quantizeStatic, roundedValues } from "../../src/compress/quantize.ts";
import { writeEpk } from "../../src/format/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { load } from "../../src/run/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { printGraph } from "../../src/semantics/print.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { f32, gridOfRange, type Quant, quantizeWeights } from "../../src/tensor/index.ts";
import { moduleOf } from "../format/wasm.ts";
import { graphOf, random, randomInputs } from "../graph/build.ts";

/** The k-th f32 value, inputs first, has the grid with scale k / 100 and zero 0, so that goldens tell them apart. */
function gridsOf(graph: Graph): Map<string, Quant> {
  const values = [...graph.inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)];
  return new Map(values.map((value, i) => [value, gridOfRange(-1.28 * (i + 1), 1.27 * (i + 1))]));
}

function quantized(graph: Graph, how: "static" | "dynamic", decisions?: Decisions): Graph {
  const result = how === "static" ? quantizeStatic(graph, gridsOf(graph), decisions) : quantizeDynamic(graph, decisions);
  verifyGraph(result);
  expect([result.inputs, result.outputs]).toEqual([graph.inputs, graph.outputs]);
  return result;
}

const statically = (graph: Graph, decisions?: Decisions): Graph => quantized(graph, "static", decisions);
const dynamically = (graph: Graph, decisions?: Decisions): Graph => quantized(graph, "dynamic", decisions);

/** The packed model gives what the definitions of its operators give. */
async function expectRuns(graph: Graph): Promise<void> {
  const inputs = randomInputs(graph, 5);
  const expected = evaluate(graph, inputs);
  const model = await load(writeEpk(planGraph(graph).pack), { wasm: moduleOf("scalar") });
  const actual = model.run(Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data as Float32Array])));
  for (const output of graph.outputs) {
    expected[output].data.forEach((want, i) => {
      expect(actual[output][i], `${output}[${i}]`).toBeCloseTo(want, 4);
    });
  }
  model.dispose();
}

const net = graphOf({
  inputs: { x: [1, 4, 4, 2] },
  constants: { w: random([3, 2, 3, 3], 1), b: random([3], 2), v: random([12, 5], 3), c: random([5], 4) },
  nodes: [
    ["Conv", "x w b", "a", { layout: "NHWC", pads: [1, 1, 1, 1] }],
    ["Relu", "a", "r"],
    ["Add", "r a", "s"],
    ["MaxPool", "s", "p", { layout: "NHWC", kernel_shape: [2, 2], strides: [2, 2] }],
    ["Flatten", "p", "f"],
    ["MatMul", "f v c", "y"],
    ["Softmax", "y", "z"],
  ],
  outputs: "z",
});

/** Two layers and a function of f32 alone between them. */
const island = graphOf({
  inputs: { x: [2, 4] },
  constants: { w: random([4, 6], 1), v: random([6, 3], 2) },
  nodes: [
    ["MatMul", "x w", "a"],
    ["Softmax", "a", "s"],
    ["Relu", "s", "r"],
    ["MatMul", "r v", "y"],
  ],
  outputs: "y",
});

const shared = graphOf({
  inputs: { x: [2, 4] },
  constants: { w: random([4, 4], 1) },
  nodes: [
    ["MatMul", "x w", "a"],
    ["MatMul", "a w", "y"],
  ],
  outputs: "y",
});

/** A layer whose output leaves the model and is read by the next layer. */
const tapped = graphOf({
  inputs: { x: [2, 4] },
  constants: { w: random([4, 4], 1), v: random([4, 3], 2) },
  nodes: [
    ["MatMul", "x w", "a"],
    ["MatMul", "a v", "y"],
  ],
  outputs: "a y",
});

const separable = graphOf({
  inputs: { x: [1, 4, 4, 3] },
  constants: { d: random([3, 1, 3, 3], 1), w: random([5, 3, 1, 1], 2) },
  nodes: [
    ["Conv", "x d", "a", { layout: "NHWC", group: 3, pads: [1, 1, 1, 1] }],
    ["Conv", "a w", "y", { layout: "NHWC" }],
  ],
  outputs: "y",
});

describe("static quantization", () => {
  it("computes in integers from the input to the last linear layer, which writes f32", () => {
    expect(printGraph(statically(net))).toMatchInlineSnapshot(`
      "graph test(%x: f32[1,4,4,2]) -> (%z)
        const %b: f32[3] = [-0.440541, -0.81671, 0.443983]
        const %c: f32[5] = [-0.353218, 0.809446, 0.248899, -0.355228, 0.71667]
        const %v.q1: i8[12,5]@axis1
        const %w.q0: i8[3,2,3,3]@axis0
        %x.q: i8[1,4,4,2]@0.01+0 = QuantizeLinear(%x)
        %a.q: i8[1,4,4,3]@0.02+0 = Conv(%x.q, %w.q0, %b) {layout="NHWC", pads=[1,1,1,1]}
        %r.q: i8[1,4,4,3]@0.03+0 = Relu(%a.q)
        %s.q: i8[1,4,4,3]@0.04+0 = Add(%r.q, %a.q)
        %p.q: i8[1,2,2,3]@0.04+0 = MaxPool(%s.q) {kernel_shape=[2,2], layout="NHWC", strides=[2,2]}
        %f.q: i8[1,12]@0.04+0 = Flatten(%p.q)
        %y: f32[1,5] = MatMul(%f.q, %v.q1, %c)
        %z: f32[1,5] = Softmax(%y)
      "
    `);
  });

  it("goes through f32 where an operator has no integer form", () => {
    expect(printGraph(statically(island))).toMatchInlineSnapshot(`
      "graph test(%x: f32[2,4]) -> (%y)
        const %v.q1: i8[6,3]@axis1
        const %w.q1: i8[4,6]@axis1
        %x.q: i8[2,4]@0.01+0 = QuantizeLinear(%x)
        %a: f32[2,6] = MatMul(%x.q, %w.q1)
        %s: f32[2,6] = Softmax(%a)
        %r: f32[2,6] = Relu(%s)
        %r.q: i8[2,6]@0.04+0 = QuantizeLinear(%r)
        %y: f32[2,3] = MatMul(%r.q, %v.q1)
      "
    `);
  });

  it("stores weights that layers share once", () => {
    expect(printGraph(statically(shared))).toMatchInlineSnapshot(`
      "graph test(%x: f32[2,4]) -> (%y)
        const %w.q1: i8[4,4]@axis1
        %x.q: i8[2,4]@0.01+0 = QuantizeLinear(%x)
        %a.q: i8[2,4]@0.02+0 = MatMul(%x.q, %w.q1)
        %y: f32[2,4] = MatMul(%a.q, %w.q1)
      "
    `);
  });

  it("gives a value that leaves the model in f32 and its readers the integers", () => {
    expect(printGraph(statically(tapped))).toMatchInlineSnapshot(`
      "graph test(%x: f32[2,4]) -> (%a, %y)
        const %v.q1: i8[4,3]@axis1
        const %w.q1: i8[4,4]@axis1
        %x.q: i8[2,4]@0.01+0 = QuantizeLinear(%x)
        %a.q: i8[2,4]@0.02+0 = MatMul(%x.q, %w.q1)
        %y: f32[2,3] = MatMul(%a.q, %v.q1)
        %a: f32[2,4] = DequantizeLinear(%a.q)
      "
    `);
  });

  it("leaves a value that is decided to be real off its grid, and its reader's weights on theirs", () => {
    expect(printGraph(statically(tapped, { real: new Set(["a"]) }))).toMatchInlineSnapshot(`
      "graph test(%x: f32[2,4]) -> (%a, %y)
        const %v.q1: i8[4,3]@axis1
        const %w.q1: i8[4,4]@axis1
        %x.q: i8[2,4]@0.01+0 = QuantizeLinear(%x)
        %a: f32[2,4] = MatMul(%x.q, %w.q1)
        %v/stored: f32[4,3] = DequantizeLinear(%v.q1)
        %y: f32[2,3] = MatMul(%a, %v/stored)
      "
    `);
  });

  it("leaves the weights of an exact layer as they are", () => {
    const graph = statically(tapped, { real: new Set(["a"]), exact: new Set(["y"]) });
    expect(graph.nodes.map(({ op, inputs }) => [op, ...inputs].join(" "))).toEqual(["QuantizeLinear x", "MatMul x.q w.q1", "MatMul a v"]);
    expect(graph.constants.get("v")).toBe(tapped.constants.get("v"));
  });

  it("computes an exact layer in f32 wherever its input could be on a grid", () => {
    const graph = statically(tapped, { exact: new Set(["a"]) });
    expect(graph.nodes.map(({ op, inputs }) => [op, ...inputs].join(" "))).toEqual(["MatMul x w", "QuantizeLinear a", "MatMul a.q v.q1"]);
    expect(graph.constants.get("w")).toBe(tapped.constants.get("w"));
  });

  it("shares weights between a layer in integers and one in f32", async () => {
    const graph = statically(shared, { real: new Set(["a"]) });
    expect([...graph.constants.values()].map(({ dtype }) => dtype)).toEqual(["i8"]);
    await expectRuns(graph);
  });

  it("takes the weights that were rounded before", () => {
    const { w } = Object.fromEntries(tapped.constants);
    const weights = {
      dtype: "i8",
      shape: w.shape,
      quant: { scale: new Float32Array(4).fill(0.5), zero: 0, axis: 1 },
      data: new Int8Array(16).fill(3),
    } as const;
    expect(statically(tapped, { weights: new Map([["w.q1", weights]]) }).constants.get("w.q1")).toBe(weights);
  });

  it("puts constant operands on the grid of their own range", () => {
    const graph = graphOf({
      inputs: { x: [2, 4] },
      constants: { k: f32([-1.28, 0, 0.5, 1.27]), w: random([4, 4], 1) },
      nodes: [
        ["Add", "x k", "a"],
        ["MatMul", "a w", "y"],
      ],
      outputs: "y",
    });
    const { data, quant } = statically(graph).constants.get("k.q")!;
    expect([...data]).toEqual([-128, 0, 50, 127]);
    expect([quant!.zero, quant!.scale[0]]).toEqual([0, Math.fround(0.01)]);
  });

  it("leaves an operand that is not finite in f32", () => {
    const graph = graphOf({
      inputs: { x: [2, 4] },
      constants: { mask: f32([0, Number.NEGATIVE_INFINITY, 0, 0]), w: random([4, 4], 1) },
      nodes: [
        ["Add", "x mask", "a"],
        ["MatMul", "a w", "y"],
      ],
      outputs: "y",
    });
    expect(statically(graph).nodes.map(({ op }) => op)).toEqual(["Add", "QuantizeLinear", "MatMul"]);
  });

  it("does not take values for the integer forms of others whose names they could be", async () => {
    const graph = graphOf({
      inputs: { a: [2, 4] },
      constants: { w: random([4, 4], 1), "w.q1": random([4, 4], 2) },
      nodes: [
        ["MatMul", "a w", "a.q"],
        ["MatMul", "a.q w.q1", "y"],
      ],
      outputs: "a.q y",
    });
    for (const result of [statically(graph), dynamically(graph)]) {
      await expectRuns(result);
      expect([...result.constants.keys()].sort()).toEqual(["w.q1.q_1", "w.q_1"]);
      expect(result.constants.get("w.q_1")).toEqual(quantizeWeights(graph.constants.get("w")!, 1));
    }
  });

  it("names a value that calibration did not see", () => {
    expect(() => quantizeStatic(tapped, new Map())).toThrow("calibration did not see x");
  });

  it.each(Object.entries({ net, island, shared, tapped, separable }))("%s packs and runs as defined", async (_, graph) => {
    await expectRuns(statically(graph));
  });
});

describe("dynamic quantization", () => {
  it("puts weights on grids and leaves all else f32", () => {
    expect(printGraph(dynamically(net))).toMatchInlineSnapshot(`
      "graph test(%x: f32[1,4,4,2]) -> (%z)
        const %b: f32[3] = [-0.440541, -0.81671, 0.443983]
        const %c: f32[5] = [-0.353218, 0.809446, 0.248899, -0.355228, 0.71667]
        const %v.q1: i8[12,5]@axis1
        const %w.q0: i8[3,2,3,3]@axis0
        %a: f32[1,4,4,3] = Conv(%x, %w.q0, %b) {layout="NHWC", pads=[1,1,1,1]}
        %r: f32[1,4,4,3] = Relu(%a)
        %s: f32[1,4,4,3] = Add(%r, %a)
        %p: f32[1,2,2,3] = MaxPool(%s) {kernel_shape=[2,2], layout="NHWC", strides=[2,2]}
        %f: f32[1,12] = Flatten(%p)
        %y: f32[1,5] = MatMul(%f, %v.q1, %c)
        %z: f32[1,5] = Softmax(%y)
      "
    `);
  });

  it("stores the weights of depthwise layers, which compute in f32", () => {
    expect(printGraph(dynamically(separable))).toMatchInlineSnapshot(`
      "graph test(%x: f32[1,4,4,3]) -> (%y)
        const %d.q0: i8[3,1,3,3]@axis0
        const %w.q0: i8[5,3,1,1]@axis0
        %d/stored: f32[3,1,3,3] = DequantizeLinear(%d.q0)
        %a: f32[1,4,4,3] = Conv(%x, %d/stored) {group=3, layout="NHWC", pads=[1,1,1,1]}
        %y: f32[1,4,4,5] = Conv(%a, %w.q0) {layout="NHWC"}
      "
    `);
  });

  it("stores the weights of layers that read a real value, and leaves those of exact ones", () => {
    const stored = dynamically(tapped, { real: new Set(["a"]) });
    expect(stored.nodes.map(({ op, inputs }) => [op, ...inputs].join(" "))).toEqual([
      "MatMul x w.q1",
      "DequantizeLinear v.q1",
      "MatMul a v/stored",
    ]);
    const exact = dynamically(tapped, { real: new Set(["a"]), exact: new Set(["y"]) });
    expect(exact.nodes.map(({ op, inputs }) => [op, ...inputs].join(" "))).toEqual(["MatMul x w.q1", "MatMul a v"]);
  });

  it.each(Object.entries({ net, island, shared, tapped, separable }))("%s packs and runs as defined", async (_, graph) => {
    await expectRuns(dynamically(graph));
  });
});

describe("rounded values", () => {
  it("are those that integer layers read, each with what only moves its elements", () => {
    expect([...roundedValues(net)]).toEqual([
      ["x", ["x"]],
      ["a", ["a"]],
      ["r", ["r"]],
      ["s", ["s", "p", "f"]],
    ]);
  });

  it("are not those that only f32 operators read", () => {
    expect([...roundedValues(island).keys()]).toEqual(["x", "r"]);
  });
});
