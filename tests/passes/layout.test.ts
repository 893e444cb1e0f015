import { describe, expect, it } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import { absorbTranspose } from "../../src/passes/absorb-transpose.ts";
import { optimize, PASSES } from "../../src/passes/index.ts";
import { layout } from "../../src/passes/layout.ts";
import { printGraph } from "../../src/semantics/print.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { i64, tensor } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";
import { applied } from "./expect-same.ts";

const ops = (graph: Graph) => graph.nodes.map((node) => node.op).join(" ");
const count = (graph: Graph, op: string) => graph.nodes.filter((node) => node.op === op).length;

/** A residual block with a squeeze-and-excite branch, a pool and a classifier. */
const net = () =>
  graphOf({
    inputs: { x: [1, 3, 8, 8] },
    constants: {
      w0: random([4, 3, 3, 3], 1),
      w1: random([4, 4, 3, 3], 2),
      w2: random([4, 4, 1, 1], 3),
      b: random([1, 4, 1, 1], 4),
      half: tensor("f32", [0.5], []),
      fc: random([64, 5], 5),
    },
    nodes: [
      ["Conv", "x w0", "c0", { pads: [1, 1, 1, 1] }],
      ["Relu", "c0", "r0"],
      ["Conv", "r0 w1", "c1", { pads: [1, 1, 1, 1] }],
      ["Add", "c1 r0", "s"],
      ["Mul", "s b", "m"],
      ["Mul", "half m", "h"],
      ["GlobalAveragePool", "h", "g"],
      ["Conv", "g w2", "e"],
      ["Sigmoid", "e", "gate"],
      ["Mul", "h gate", "gated"],
      ["Concat", "gated h", "cat", { axis: 1 }],
      ["Split", "cat", "left right", { axis: 1 }],
      ["Add", "left right", "sum"],
      ["MaxPool", "sum", "p", { kernel_shape: [2, 2], strides: [2, 2] }],
      ["Flatten", "p", "f"],
      ["MatMul", "f fc", "y"],
    ],
    outputs: "y",
  });

describe("layout", () => {
  it("carries a whole net in NHWC, with one Transpose at each end", () => {
    const graph = applied(layout, net(), 1e-6);
    expect(count(graph, "Transpose")).toBe(2);
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph test(%x: f32[1,3,8,8]) -> (%y)
        const %b_nhwc: f32[1,1,1,4] = [-0.353218, 0.809446, 0.248899, -0.355228]
        const %fc: f32[64,5]
        const %half: f32[] = [0.5]
        const %w0: f32[4,3,3,3]
        const %w1: f32[4,4,3,3]
        const %w2: f32[4,4,1,1]
        %x_nhwc: f32[1,8,8,3] = Transpose(%x) {perm=[0,2,3,1]}
        %c0_nhwc: f32[1,8,8,4] = Conv(%x_nhwc, %w0) {layout="NHWC", pads=[1,1,1,1]}
        %r0_nhwc: f32[1,8,8,4] = Relu(%c0_nhwc)
        %c1_nhwc: f32[1,8,8,4] = Conv(%r0_nhwc, %w1) {layout="NHWC", pads=[1,1,1,1]}
        %s_nhwc: f32[1,8,8,4] = Add(%c1_nhwc, %r0_nhwc)
        %m_nhwc: f32[1,8,8,4] = Mul(%s_nhwc, %b_nhwc)
        %h_nhwc: f32[1,8,8,4] = Mul(%half, %m_nhwc)
        %g_nhwc: f32[1,1,1,4] = GlobalAveragePool(%h_nhwc) {layout="NHWC"}
        %e_nhwc: f32[1,1,1,4] = Conv(%g_nhwc, %w2) {layout="NHWC"}
        %gate_nhwc: f32[1,1,1,4] = Sigmoid(%e_nhwc)
        %gated_nhwc: f32[1,8,8,4] = Mul(%h_nhwc, %gate_nhwc)
        %cat_nhwc: f32[1,8,8,8] = Concat(%gated_nhwc, %h_nhwc) {axis=3}
        %left_nhwc: f32[1,8,8,4], %right_nhwc: f32[1,8,8,4] = Split(%cat_nhwc) {axis=3}
        %sum_nhwc: f32[1,8,8,4] = Add(%left_nhwc, %right_nhwc)
        %p_nhwc: f32[1,4,4,4] = MaxPool(%sum_nhwc) {kernel_shape=[2,2], layout="NHWC", strides=[2,2]}
        %p: f32[1,4,4,4] = Transpose(%p_nhwc) {perm=[0,3,1,2]}
        %f: f32[1,64] = Flatten(%p)
        %y: f32[1,5] = MatMul(%f, %fc)
      "
    `);
  });

  it("gives outputs and inner values that others need in their own order", () => {
    const graph = graphOf({
      inputs: { x: [1, 2, 4, 4] },
      constants: { w: random([3, 2, 3, 3], 1) },
      nodes: [
        ["Conv", "x w", "c"],
        ["Relu", "c", "r"],
        ["Softmax", "r", "y", { axis: 3 }],
      ],
      outputs: "y c r",
    });
    const result = applied(layout, graph, 1e-6);
    expect(result.outputs).toEqual(["y", "c", "r"]);
  });

  it("moves Transposes of the model down, joins them, and lets inverse pairs vanish", () => {
    const graph = graphOf({
      inputs: { x: [2, 3, 4] },
      nodes: [
        ["Transpose", "x", "a", { perm: [2, 0, 1] }],
        ["Transpose", "a", "b", { perm: [0, 2, 1] }],
        ["Abs", "b", "c"],
        ["Transpose", "c", "y", { perm: [2, 1, 0] }],
      ],
      outputs: "y",
    });
    const result = applied(layout, graph);
    expect(ops(result)).toBe("Abs Identity");
  });

  it("writes a Transpose that only moves axes of 1 as Reshape", () => {
    const graph = graphOf({ inputs: { x: [1, 1, 4, 5] }, nodes: [["Transpose", "x", "y", { perm: [0, 2, 3, 1] }]], outputs: "y" });
    expect(ops(applied(layout, graph))).toBe("Reshape");
  });

  it("goes through Pad, Slice, ReduceMean and a Reshape that keeps axes together", () => {
    const graph = graphOf({
      inputs: { x: [2, 3, 6, 6] },
      constants: {
        w: random([4, 3, 1, 1], 1),
        pads: i64([0, 1, 0, 0, 0, 0, 0, 2]),
        start: i64([1]),
        end: i64([4]),
        axis: i64([-1]),
        shape: i64([2, 5, -1]),
      },
      nodes: [
        ["Conv", "x w", "c"],
        ["Pad", "c pads", "p"],
        ["Slice", "p start end axis", "s"],
        ["Reshape", "s shape", "r"],
        ["Transpose", "r", "t", { perm: [0, 2, 1] }],
        ["ReduceMean", "t", "y", { axes: [1], keepdims: 0 }],
      ],
      outputs: "y",
    });
    const result = applied(layout, graph, 1e-6);
    expect(ops(result)).toBe("Transpose Conv Pad Slice Reshape ReduceMean");
  });

  it.each([
    ["kept", 1, "Transpose Conv ArgMax Reshape"],
    ["dropped", 0, "Transpose Conv ArgMax"],
  ])("finds the classes of pixels in NHWC, the axis %s", (_, keepdims, nodes) => {
    const graph = graphOf({
      inputs: { x: [1, 3, 4, 5] },
      constants: { w: random([6, 3, 1, 1], 1) },
      nodes: [
        ["Conv", "x w", "scores"],
        ["ArgMax", "scores", "classes", { axis: 1, keepdims }],
      ],
      outputs: "classes",
    });
    const result = applied(layout, graph);
    expect(ops(result)).toBe(nodes);
    expect(result.nodes.find(({ op }) => op === "ArgMax")!.attrs.axis).toBe(3);
  });

  it("leaves a Reshape that mixes axes alone", () => {
    const graph = graphOf({
      inputs: { x: [1, 3, 4, 4] },
      constants: { w: random([4, 3, 1, 1], 1), shape: i64([1, 2, 32]) },
      nodes: [
        ["Conv", "x w", "c"],
        ["Reshape", "c shape", "y"],
      ],
      outputs: "y",
    });
    expect(ops(applied(layout, graph, 1e-6))).toBe("Transpose Conv Transpose Reshape");
  });

  it("shuffles channels by one Transpose of their axis alone", () => {
    const graph = graphOf({
      inputs: { x: [1, 6, 5, 4] },
      constants: { w: random([6, 6, 1, 1], 1), apart: i64([1, 2, 3, 5, 4]), joined: i64([1, 6, 5, 4]) },
      nodes: [
        ["Conv", "x w", "c"],
        ["Reshape", "c apart", "r"],
        ["Transpose", "r", "t", { perm: [0, 2, 1, 3, 4] }],
        ["Reshape", "t joined", "s"],
        ["Split", "s", "left right", { axis: 1 }],
        ["Concat", "right left", "j", { axis: 1 }],
        ["Conv", "j w", "y"],
      ],
      outputs: "y",
    });
    const result = applied(layout, graph, 1e-6);
    expect(ops(result)).toBe("Transpose Conv Reshape Transpose Reshape Split Concat Conv Transpose");
    expect(result.nodes[3].attrs.perm).toEqual([0, 1, 2, 4, 3]);
  });

  it("goes through a Softmax of before opset 13 that has one axis", () => {
    const graph = (axis: number) =>
      graphOf({
        inputs: { x: [2, 3, 4, 5] },
        nodes: [
          ["Transpose", "x", "t", { perm: [0, 2, 3, 1] }],
          ["Softmax", "t", "s", { axis, coerce: 1 }],
          ["Transpose", "s", "y", { perm: [0, 3, 1, 2] }],
        ],
        outputs: "y",
      });
    expect(ops(applied(layout, graph(3), 1e-6))).toBe("Softmax Identity");
    expect(ops(applied(layout, graph(2), 1e-6))).toBe("Transpose Softmax Transpose");
  });

  it("does not trade one Transpose for another", () => {
    const graph = graphOf({
      inputs: { x: [2, 3, 4], z: [4, 3, 2] },
      nodes: [
        ["Transpose", "x", "t"],
        ["Add", "t z", "y"],
      ],
      outputs: "y",
    });
    expect(ops(applied(layout, graph))).toBe("Transpose Add");
  });
});

describe("absorb-transpose", () => {
  it("sorts the classifier's rows instead of the features", () => {
    const graph = graphOf({
      inputs: { x: [2, 3, 4, 5] },
      constants: { w: random([60, 7], 1), b: random([7], 2) },
      nodes: [
        ["Transpose", "x", "t", { perm: [0, 3, 1, 2] }],
        ["Flatten", "t", "f"],
        ["MatMul", "f w b", "y", { min: 0 }],
      ],
      outputs: "y",
    });
    expect(printGraph(applied(absorbTranspose, graph, 1e-6))).toMatchInlineSnapshot(`
      "graph test(%x: f32[2,3,4,5]) -> (%y)
        const %b: f32[7] = [-0.440541, -0.81671, 0.443983, -0.00974706, 0.242413, 0.173717, 0.866293]
        const %f.shape: i64[2] = [2, 60]
        const %y.weight: f32[60,7]
        %x_flat: f32[2,60] = Reshape(%x, %f.shape) {allowzero=1}
        %y: f32[2,7] = MatMul(%x_flat, %y.weight, %b) {min=0}
      "
    `);
  });

  it("leaves a Transpose that moves the batch, or that others read", () => {
    const graph = (perm: number[], outputs: string) =>
      graphOf({
        inputs: { x: [2, 2, 2] },
        constants: { w: random([4, 3], 1) },
        nodes: [
          ["Transpose", "x", "t", { perm }],
          ["Flatten", "t", "f"],
          ["MatMul", "f w", "y"],
        ],
        outputs,
      });
    expect(ops(applied(absorbTranspose, graph([1, 0, 2], "y")))).toBe("Transpose Flatten MatMul");
    expect(ops(applied(absorbTranspose, graph([0, 2, 1], "y t")))).toBe("Transpose Flatten MatMul");
  });
});

describe("optimize", () => {
  it("leaves a graph that verifies after every pass and computes the same", () => {
    const seen: string[] = [];
    const check = (graph: Graph) =>
      optimize(graph, (name, current) => {
        verifyGraph(current);
        seen.push(name);
      });
    const graph = applied(check, net(), 1e-5);
    expect(seen).toEqual(PASSES.map(([name]) => name));
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph test(%x: f32[1,3,8,8]) -> (%y)
        const %b_nhwc: f32[1,1,1,4] = [-0.353218, 0.809446, 0.248899, -0.355228]
        const %f.shape_1: i64[2] = [1, 64]
        const %half: f32[] = [0.5]
        const %w0: f32[4,3,3,3]
        const %w1: f32[4,4,3,3]
        const %w2: f32[4,4,1,1]
        const %y.weight: f32[64,5]
        %x_nhwc: f32[1,8,8,3] = Transpose(%x) {perm=[0,2,3,1]}
        %r0_nhwc: f32[1,8,8,4] = Conv(%x_nhwc, %w0) {layout="NHWC", min=0, pads=[1,1,1,1]}
        %c1_nhwc: f32[1,8,8,4] = Conv(%r0_nhwc, %w1) {layout="NHWC", pads=[1,1,1,1]}
        %s_nhwc: f32[1,8,8,4] = Add(%c1_nhwc, %r0_nhwc)
        %m_nhwc: f32[1,8,8,4] = Mul(%s_nhwc, %b_nhwc)
        %h_nhwc: f32[1,8,8,4] = Mul(%half, %m_nhwc)
        %g_nhwc: f32[1,1,1,4] = GlobalAveragePool(%h_nhwc) {layout="NHWC"}
        %e_nhwc: f32[1,1,1,4] = Conv(%g_nhwc, %w2) {layout="NHWC"}
        %gate_nhwc: f32[1,1,1,4] = Sigmoid(%e_nhwc)
        %gated_nhwc: f32[1,8,8,4] = Mul(%h_nhwc, %gate_nhwc)
        %cat_nhwc: f32[1,8,8,8] = Concat(%gated_nhwc, %h_nhwc) {axis=3}
        %left_nhwc: f32[1,8,8,4], %right_nhwc: f32[1,8,8,4] = Split(%cat_nhwc) {axis=3}
        %sum_nhwc: f32[1,8,8,4] = Add(%left_nhwc, %right_nhwc)
        %p_nhwc: f32[1,4,4,4] = MaxPool(%sum_nhwc) {kernel_shape=[2,2], layout="NHWC", strides=[2,2]}
        %p_nhwc_flat: f32[1,64] = Reshape(%p_nhwc, %f.shape_1) {allowzero=1}
        %y: f32[1,5] = MatMul(%p_nhwc_flat, %y.weight)
      "
    `);
  });

  it("leaves scalars alone, which have no axes to bring into another order", () => {
    const graph = graphOf({
      inputs: { x: [] },
      nodes: [
        ["Transpose", "x", "t", { perm: [] }],
        ["Softmax", "t", "y", { axis: 0 }],
      ],
      outputs: "y",
    });
    expect(ops(layout(graph))).toContain("Softmax");
  });
});
