import { describe, expect, it } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { fuseAffine } from "../../src/passes/fuse-affine.ts";
import { fusePad } from "../../src/passes/fuse-pad.ts";
import { optimize } from "../../src/passes/index.ts";
import { f32, i64, tensor } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";
import { failure } from "../onnx/model.ts";
import { applied } from "./expect-same.ts";

const ops = (graph: Graph) => graph.nodes.map((node) => node.op).join(" ");

describe("decompose", () => {
  it("takes parts apart again until all have kernels", () => {
    const graph = graphOf({ inputs: { x: [1, 2, 9] }, nodes: [["LpPool", "x", "y", { kernel_shape: [3], p: 2 }]], outputs: "y" });
    expect(ops(applied(decompose, graph, 1e-6))).toBe("Mul Reshape AveragePool Reshape Mul Sqrt");
  });

  it("works out weights that are constant", () => {
    const graph = graphOf({
      inputs: { x: [1, 2, 3, 3] },
      constants: { w: random([2, 3, 3, 3], 1), b: random([3], 2) },
      nodes: [["ConvTranspose", "x w b", "y", { strides: [2, 2], pads: [1, 1, 1, 1] }]],
      outputs: "y",
    });
    const apart = applied(decompose, graph, 1e-6);
    expect(ops(apart)).toBe("Conv Transpose Reshape Transpose Reshape Transpose Slice");
    expect(apart.constants.get(apart.nodes[0].inputs[1])!.shape).toEqual([12, 2, 2, 2]);
  });

  it("leaves a node that has kernels as it is", () => {
    const graph = graphOf({
      inputs: { x: [1, 2, 4, 4] },
      constants: { w: random([3, 2, 3, 3], 1) },
      nodes: [["Conv", "x w", "y"]],
      outputs: "y",
    });
    expect(decompose(graph)).toBe(graph);
  });

  it("says of every node why it cannot be had", () => {
    const graph = graphOf({
      inputs: { x: [1, 1, 2, 2, 2, 2], w: [1, 1, 1, 1, 1, 1] },
      nodes: [
        ["Conv", "x w", "c"],
        ["MaxPool", "c", "y", { kernel_shape: [1, 1, 1, 1] }],
      ],
      outputs: "y",
    });
    expect(failure(() => decompose(graph))).toMatchInlineSnapshot(`
      "ONNX_UNSUPPORTED: These operators cannot be run; change them in the model or export it another way:
        - Conv "c": convolution over 4 axes is not supported, only over 1 to 3
        - MaxPool "y": pooling over 4 axes is not supported, only over 1 to 3"
    `);
  });

  it("is late enough for normalization and padding to go into convolutions of one axis, and transposed ones", () => {
    const statistics = { s: random([3], 4), o: random([3], 5), m: random([3], 6), v: f32([0.5, 1, 2]) };
    const line = graphOf({
      inputs: { x: [1, 2, 9] },
      constants: { w: random([3, 2, 3], 1), pads: i64([0, 0, 1, 0, 0, 1]), ...statistics },
      nodes: [
        ["Pad", "x pads", "p"],
        ["Conv", "p w", "c"],
        ["BatchNormalization", "c s o m v", "y"],
      ],
      outputs: "y",
    });
    expect(ops(applied((g) => decompose(fuseAffine(fusePad(g))), line, 1e-5))).toBe("Reshape Conv Reshape");
    const image = graphOf({
      inputs: { x: [1, 2, 4, 4] },
      constants: { w: random([2, 3, 2, 2], 1), ...statistics },
      nodes: [
        ["ConvTranspose", "x w", "c", { strides: [2, 2] }],
        ["BatchNormalization", "c s o m v", "y"],
      ],
      outputs: "y",
    });
    expect(ops(applied(fuseAffine, image, 1e-5))).toBe("ConvTranspose");
  });
});

describe("layout", () => {
  /** Transposes beside the two at the borders of the graph, between two convolutions. */
  const between = (nodes: Parameters<typeof graphOf>[0]["nodes"], constants: Parameters<typeof graphOf>[0]["constants"] = {}): number => {
    const graph = graphOf({
      inputs: { x: [1, 3, 6, 7] },
      constants: { w: random([5, 3, 3, 3], 1), v: random([2, 5, 3, 3], 2), ...constants },
      nodes: [["Conv", "x w", "a"], ...nodes, ["Conv", "b v", "y"]],
      outputs: "y",
    });
    return applied(optimize, graph, 1e-5).nodes.filter(({ op }) => op === "Transpose").length - 2;
  };

  it("goes through Resize, GridSample and normalizations of images", () => {
    expect(between([["Resize", "a _ scales", "b", { mode: "linear" }]], { scales: f32([1, 1, 2, 2]) })).toBe(0);
    const crop = { sizes: i64([1, 5, 7, 8]), roi: f32([0, 0, 0.1, 0.2, 1, 1, 1.2, 0.7]) };
    const cropping = { mode: "linear", coordinate_transformation_mode: "tf_crop_and_resize" };
    expect(between([["Resize", "a roi _ sizes", "b", cropping]], crop)).toBe(0);
    expect(between([["Resize", "a _ scales", "b"]], { scales: f32([1, 1, 2, 2]) })).toBe(0);
    expect(between([["InstanceNormalization", "a s o", "b"]], { s: random([5], 3), o: random([5], 4) })).toBe(0);
    expect(between([["LRN", "a", "b", { size: 3 }]])).toBe(0);
    expect(
      between([
        ["GlobalMaxPool", "a", "g"],
        ["Mul", "a g", "b"],
      ]),
    ).toBe(0);
    expect(between([["GridSample", "a grid", "b"]], { grid: random([1, 5, 4, 2], 3) })).toBe(0);
  });

  it("goes through halves of shuffled channels, one of which is convolved", () => {
    const constants = {
      t: random([6, 5, 1, 1], 3),
      pairs: i64([1, 3, 2, 4, 5]),
      zero: tensor("i64", [0], []),
      one: tensor("i64", [1], []),
      k: random([3, 3, 3, 3], 4),
      q: random([5, 6, 1, 1], 5),
    };
    const nodes = [
      ["Conv", "a t", "c"],
      ["Reshape", "c pairs", "r"],
      ["Gather", "r zero", "left", { axis: 2 }],
      ["Gather", "r one", "right", { axis: 2 }],
      ["Conv", "right k", "d", { pads: [1, 1, 1, 1] }],
      ["Concat", "left d", "e", { axis: 1 }],
      ["Conv", "e q", "b"],
    ] as const;
    expect(between(nodes, constants)).toBe(0);
  });

  it("moves the phases of a transposed convolution once", () => {
    expect(between([["ConvTranspose", "a t", "b", { strides: [2, 2] }]], { t: random([5, 5, 4, 4], 3) })).toBe(1);
    expect(between([["ConvTranspose", "a t", "b"]], { t: random([5, 5, 3, 3], 3) })).toBe(0);
  });
});
