import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NETS } from "../../benchmarks/nets.ts";
import { applyMask, type Budget, channelMask, coupleChannels, removeDeadChannels, selectChannels } from "../../src/compress/prune/index.ts";
import { macsOf } from "../../src/compress/report.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { readOnnx } from "../../src/onnx/index.ts";
import { optimize } from "../../src/passes/index.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { f32, i64 } from "../../src/tensor/index.ts";
import { graphOf, random, randomInputs } from "../graph/build.ts";

const NHWC = { layout: "NHWC" };

const macs = (graph: Graph): number => graph.nodes.reduce((sum, node) => sum + macsOf(node, graph), 0);

/** Largest difference of any output element on one random input. */
function difference(a: Graph, b: Graph): number {
  const inputs = randomInputs(a, 7);
  const [x, y] = [evaluate(a, inputs), evaluate(b, inputs)];
  const apart = a.outputs.map((name) => {
    expect(y[name].shape).toEqual(x[name].shape);
    return Math.max(...Array.from(x[name].data, (v, i) => Math.abs(v - y[name].data[i])));
  });
  return Math.max(...apart);
}

/** Masks the class that the first place of a value's axis is in, and takes it out. */
function withoutFirst(graph: Graph, value: string, axis: number): { masked: Graph; small: Graph } {
  const coupling = coupleChannels(graph);
  const places = coupling.axes.get(value)?.[axis];
  if (!places?.[0]) throw new Error(`${value} cannot be made shorter`);
  const masked = applyMask(graph, channelMask(graph, coupling, new Set([places[0]])));
  return { masked, small: removeDeadChannels(masked) };
}

interface Case {
  readonly nodes: readonly (readonly [op: string, inputs: string, outputs: string, attrs?: Node["attrs"]])[];
  readonly constants?: Parameters<typeof graphOf>[0]["constants"];
  /** Where a class is taken from, and what is left of the values that it touches. */
  readonly from: readonly [value: string, axis: number];
  readonly left: Readonly<Record<string, readonly number[]>>;
}

/** All start with x [1,4,4,3] → conv → a [1,4,4,6]; they end in y. */
const STEM = { w0: random([6, 3, 3, 3], 1), b0: random([6], 2) };
const stem = ["Conv", "x w0 b0", "a", { ...NHWC, pads: [1, 1, 1, 1], min: 0 }] as const;
const head = (from: string): Case["nodes"][number] => ["Conv", `${from} w9`, "y", NHWC];

const CASES: Readonly<Record<string, Case>> = {
  "a chain of convolutions": {
    nodes: [head("a")],
    constants: { w9: random([2, 6, 1, 1], 9) },
    from: ["a", 3],
    left: { a: [1, 4, 4, 5], w0: [5, 3, 3, 3], b0: [5] },
  },
  "a residual sum": {
    nodes: [["Conv", "a w1", "b", NHWC], ["Add", "a b", "c"], head("c")],
    constants: { w1: random([6, 6, 1, 1], 3), w9: random([2, 6, 1, 1], 9) },
    from: ["a", 3],
    left: { a: [1, 4, 4, 5], w1: [5, 5, 1, 1], c: [1, 4, 4, 5] },
  },
  concatenation: {
    nodes: [["Conv", "x w1", "b", NHWC], ["Concat", "b a", "c", { axis: 3 }], head("c")],
    constants: { w1: random([2, 3, 1, 1], 3), w9: random([2, 8, 1, 1], 9) },
    from: ["a", 3],
    left: { a: [1, 4, 4, 5], b: [1, 4, 4, 2], c: [1, 4, 4, 7], w9: [2, 7, 1, 1] },
  },
  "a depthwise convolution between": {
    nodes: [["Conv", "a w1 b1", "b", { ...NHWC, group: 6 }], ["HardSwish", "b", "c"], head("c")],
    constants: { w1: random([6, 1, 3, 3], 3), b1: random([6], 4), w9: random([2, 6, 1, 1], 9) },
    from: ["c", 3],
    left: { a: [1, 4, 4, 5], w1: [5, 1, 3, 3], b1: [5], c: [1, 2, 2, 5] },
  },
  "a convolution in groups, which go whole": {
    nodes: [["Conv", "a w1", "b", { ...NHWC, group: 3 }], head("b")],
    constants: { w1: random([9, 2, 3, 3], 3), w9: random([2, 9, 1, 1], 9) },
    from: ["a", 3],
    left: { a: [1, 4, 4, 4], w1: [6, 2, 3, 3], b: [1, 2, 2, 6] },
  },
  "pooling and flattening before a dense layer": {
    nodes: [
      ["MaxPool", "a", "b", { ...NHWC, kernel_shape: [2, 2], strides: [2, 2] }],
      ["Reshape", "b s", "c"],
      ["MatMul", "c w9", "y"],
    ],
    constants: { s: i64([1, 24]), w9: random([24, 5], 9) },
    from: ["a", 3],
    left: { b: [1, 2, 2, 5], c: [1, 20], w9: [20, 5] },
  },
  "a squeeze-and-excite gate": {
    nodes: [
      ["GlobalAveragePool", "a", "p", NHWC],
      ["Conv", "p w1", "q", { ...NHWC, min: 0 }],
      ["Conv", "q w2", "r", NHWC],
      ["Sigmoid", "r", "g"],
      ["Mul", "a g", "c"],
      head("c"),
    ],
    constants: { w1: random([4, 6, 1, 1], 3), w2: random([6, 4, 1, 1], 4), w9: random([2, 6, 1, 1], 9) },
    from: ["g", 3],
    left: { a: [1, 4, 4, 5], g: [1, 1, 1, 5], q: [1, 1, 1, 4], w2: [5, 4, 1, 1], w1: [4, 5, 1, 1] },
  },
  "constants by channel": {
    nodes: [["Mul", "a scale", "b"], ["PRelu", "b slope", "c"], ["Div", "c d", "e"], head("e")],
    constants: { scale: random([6], 3), slope: random([1, 1, 6], 4), d: f32([1, 2, 3, 4, 5, 6]), w9: random([2, 6, 1, 1], 9) },
    from: ["a", 3],
    left: { scale: [5], slope: [1, 1, 5], d: [5], e: [1, 4, 4, 5] },
  },
  "padding, resizing and a transpose": {
    nodes: [
      ["Pad", "a pads", "b"],
      ["Resize", "b _ _ sizes", "c"],
      ["Transpose", "c", "d", { perm: [0, 3, 1, 2] }],
      ["Conv", "d w9", "y"],
    ],
    constants: { pads: i64([0, 1, 0, 0, 0, 0, 1, 0]), sizes: i64([1, 12, 8, 6]), w9: random([2, 6, 1, 1], 9) },
    from: ["a", 3],
    left: { b: [1, 5, 5, 5], c: [1, 12, 8, 5], d: [1, 5, 12, 8] },
  },
  "parts that are split off and sliced out": {
    nodes: [
      ["Split", "a", "b c", { axis: 3 }],
      ["Slice", "a starts ends axes", "d"],
      ["Conv", "b w7", "e", NHWC],
      ["Conv", "c w8", "f", NHWC],
      ["Conv", "d w9", "g", NHWC],
      ["Sum", "e f g", "y"],
    ],
    constants: {
      starts: i64([2]),
      ends: i64([-1]),
      axes: i64([-1]),
      w7: random([2, 3, 1, 1], 7),
      w8: random([2, 3, 1, 1], 8),
      w9: random([2, 3, 1, 1], 9),
    },
    from: ["c", 3],
    left: { a: [1, 4, 4, 5], b: [1, 4, 4, 3], c: [1, 4, 4, 2], d: [1, 4, 4, 2], w8: [2, 2, 1, 1], w9: [2, 2, 1, 1] },
  },
  "heads of attention": {
    nodes: [
      ["Reshape", "a s0", "t"],
      ["MatMul", "t wq bq", "q0"],
      ["Reshape", "q0 s1", "q1"],
      ["Transpose", "q1", "q", { perm: [0, 2, 1, 3] }],
      ["MatMul", "t wk", "k0"],
      ["Reshape", "k0 s1", "k1"],
      ["Transpose", "k1", "k", { perm: [0, 2, 3, 1] }],
      ["MatMul", "t wv", "v0"],
      ["Reshape", "v0 s1", "v1"],
      ["Transpose", "v1", "v", { perm: [0, 2, 1, 3] }],
      ["MatMul", "q k", "scores"],
      ["Softmax", "scores", "shares"],
      ["MatMul", "shares v", "m0"],
      ["Transpose", "m0", "m1", { perm: [0, 2, 1, 3] }],
      ["Reshape", "m1 s2", "m"],
      ["MatMul", "m wo", "y"],
    ],
    constants: {
      s0: i64([1, 16, 6]),
      s1: i64([1, 16, 4, 2]),
      s2: i64([1, 16, 8]),
      wq: random([6, 8], 3),
      bq: random([8], 4),
      wk: random([6, 8], 5),
      wv: random([6, 8], 6),
      wo: random([8, 3], 7),
    },
    from: ["m", 2],
    left: { q: [1, 3, 16, 2], k: [1, 3, 2, 16], v: [1, 3, 16, 2], m: [1, 16, 6], wq: [6, 6], bq: [6], wo: [6, 3], t: [1, 16, 6] },
  },
  "heads of fused attention": {
    nodes: [
      ["Reshape", "a s0", "t"],
      ["MatMul", "t wq", "q0"],
      ["Reshape", "q0 s1", "q"],
      ["MatMul", "t wk", "k0"],
      ["Reshape", "k0 s1", "k"],
      ["MatMul", "t wv", "v0"],
      ["Reshape", "v0 s1", "v"],
      ["ScaledDotProductAttention", "q k v", "m0", { scale: 0.7 }],
      ["Reshape", "m0 s2", "m"],
      ["MatMul", "m wo", "y"],
    ],
    constants: {
      s0: i64([1, 16, 6]),
      s1: i64([1, 16, 4, 2]),
      s2: i64([1, 16, 8]),
      wq: random([6, 8], 3),
      wk: random([6, 8], 5),
      wv: random([6, 8], 6),
      wo: random([8, 3], 7),
    },
    from: ["m", 2],
    left: { q: [1, 16, 3, 2], k: [1, 16, 3, 2], v: [1, 16, 3, 2], m: [1, 16, 6], wk: [6, 6] },
  },
  "a transposed convolution": {
    nodes: [
      ["Transpose", "a", "b", { perm: [0, 3, 1, 2] }],
      ["ConvTranspose", "b w1 b1", "c", { strides: [2, 2] }],
      ["Conv", "c w9", "y"],
    ],
    constants: { w1: random([6, 5, 2, 2], 3), b1: random([5], 4), w9: random([2, 5, 1, 1], 9) },
    from: ["c", 1],
    left: { a: [1, 4, 4, 6], c: [1, 4, 8, 8], w1: [6, 4, 2, 2], b1: [4] },
  },
  "a mean over pixels": {
    nodes: [
      ["ReduceMean", "a", "b", { axes: [1, 2], keepdims: 0 }],
      ["MatMul", "b w9", "y"],
    ],
    constants: { w9: random([6, 4], 9) },
    from: ["a", 3],
    left: { b: [1, 5], w9: [5, 4] },
  },
};

const built = ({ nodes, constants }: Case): Graph =>
  graphOf({
    inputs: { x: [1, 4, 4, 3] },
    constants: { ...STEM, ...constants },
    nodes: [stem, ...nodes],
    outputs: nodes.some(([, , outputs]) => outputs === "z") ? "y z" : "y",
  });

describe("a channel that is taken out leaves a smaller graph, equal to the masked one", () => {
  for (const [name, example] of Object.entries(CASES)) {
    it(name, () => {
      const graph = built(example);
      const { masked, small } = withoutFirst(graph, ...example.from);
      verifyGraph(small);
      for (const [value, shape] of Object.entries(example.left)) expect([value, small.types.get(value)?.shape]).toEqual([value, shape]);
      expect(difference(masked, small)).toBeLessThan(1e-6);
      expect(difference(masked, graph)).toBeGreaterThan(1e-3);
    });
  }
});

const WHOLE: Readonly<Record<string, Pick<Case, "nodes" | "constants">>> = {
  "the outputs of the graph": { nodes: [["Relu", "a", "y"]] },
  "what is normalized over": {
    nodes: [["LayerNormalization", "a g", "b"], head("b")],
    constants: { g: random([6], 3), w9: random([2, 6, 1, 1], 9) },
  },
  "a softmax's axis": { nodes: [["Softmax", "a", "b"], head("b")], constants: { w9: random([2, 6, 1, 1], 9) } },
  "what is added to an input": {
    nodes: [["Concat", "x x", "b", { axis: 3 }], ["Add", "a b", "c"], head("c")],
    constants: { w9: random([2, 6, 1, 1], 9) },
  },
  "what an operator without a rule reads": {
    nodes: [
      ["Transpose", "a", "d", { perm: [0, 3, 1, 2] }],
      ["LRN", "d", "b", { size: 3 }],
      ["Conv", "b w9", "y"],
    ],
    constants: { w9: random([2, 6, 1, 1], 9) },
  },
  "channels that are moved apart with their neighbours by a step": {
    nodes: [["Slice", "a starts ends axes steps", "b"], head("b")],
    constants: { starts: i64([-1]), ends: i64([-7]), axes: i64([3]), steps: i64([-1]), w9: random([2, 6, 1, 1], 9) },
  },
  "a divisor that is computed": {
    nodes: [["Conv", "x w1", "b", NHWC], ["Div", "b a", "c"], head("c")],
    constants: { w1: random([6, 3, 1, 1], 3), w9: random([2, 6, 1, 1], 9) },
  },
  "weights that two layers share, of which one ends in an output": {
    nodes: [
      ["Conv", "x w0", "y", { ...NHWC, pads: [1, 1, 1, 1] }],
      ["Conv", "a w9", "z", NHWC],
    ],
    constants: { w9: random([2, 6, 1, 1], 9) },
  },
};

describe("stays whole", () => {
  for (const [name, example] of Object.entries(WHOLE)) {
    it(name, () => {
      const graph = built({ ...example, from: ["a", 3], left: {} });
      const places = coupleChannels(graph).axes.get("a")?.[3];
      expect(places).toBeUndefined();
    });
  }
});

describe("selection", () => {
  const read = (path: string): Graph => optimize(readOnnx(readFileSync(new URL(`../../${path}`, import.meta.url))).graph);
  const NETWORKS: Readonly<Record<string, () => Graph>> = {
    lenet5: () => read("tests/accuracy/models/lenet5.onnx"),
    resnet20: () => read("examples/fashion-mnist/resnet20.onnx"),
    vit: () => read("tests/accuracy/models/vit.onnx"),
    "MLPerf Tiny's MobileNetV1": () => optimize(NETS.mobilenetv1.graph()),
  };
  for (const [name, graphOfNet] of Object.entries(NETWORKS)) {
    it(`${name} at half its multiply-accumulates equals the masked graph within 1e-5`, { timeout: 60_000 }, () => {
      const graph = graphOfNet();
      const mask = selectChannels(graph, { macs: 0.5 });
      const masked = applyMask(graph, mask);
      const small = removeDeadChannels(masked);
      verifyGraph(small);
      expect(macs(small) / macs(graph)).toBeLessThanOrEqual(0.5);
      expect(macs(small) / macs(graph)).toBeGreaterThan(0.45);
      expect(difference(masked, small)).toBeLessThan(1e-5);
    });
  }

  const graph = built(CASES["a residual sum"]);

  it("meets a budget of parameters", () => {
    const count = (of: Graph): number => [...of.constants.values()].reduce((sum, { data }) => sum + data.length, 0);
    const small = removeDeadChannels(applyMask(graph, selectChannels(graph, { parameters: 0.7 })));
    expect(count(small) / count(graph)).toBeLessThanOrEqual(0.7);
  });

  it("says how far it came where the budget is out of reach", () => {
    expect(() => selectChannels(graph, { macs: 0.01 })).toThrow(/leave test at \d+(\.\d)? % of its multiply-accumulates/);
  });

  it("refuses a budget that is no share", () => {
    for (const macs of [0, 1.5, Number.NaN]) expect(() => selectChannels(graph, { macs } satisfies Budget)).toThrow(RangeError);
  });
});
