import { describe, expect, it } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import { fuseActivation } from "../../src/passes/fuse-activation.ts";
import { fuseAffine } from "../../src/passes/fuse-affine.ts";
import { fuseGelu } from "../../src/passes/fuse-gelu.ts";
import { fuseHardswish } from "../../src/passes/fuse-hardswish.ts";
import { fuseLayernorm } from "../../src/passes/fuse-layernorm.ts";
import { fusePad } from "../../src/passes/fuse-pad.ts";
import { gemmToMatmul } from "../../src/passes/gemm-to-matmul.ts";
import { splitBatchnorm } from "../../src/passes/split-batchnorm.ts";
import { printGraph } from "../../src/semantics/print.ts";
import { f32, i64, tensor } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";
import { applied } from "./expect-same.ts";

const scalar = (value: number) => tensor("f32", [value], []);
const ops = (graph: Graph) => graph.nodes.map((node) => node.op).join(" ");
const positive = (shape: readonly number[], seed: number) => {
  const { data } = random(shape, seed);
  return f32(
    data.map((v) => Math.abs(v) + 0.1),
    shape,
  );
};
const statistics = { scale: random([3], 11), bias: random([3], 12), mean: random([3], 13), variance: positive([3], 14) };

describe("fuse-activation", () => {
  const fused = (nodes: Parameters<typeof graphOf>[0]["nodes"], outputs = "y") =>
    applied(
      fuseActivation,
      graphOf({
        inputs: { a: [2, 3], b: [2, 3] },
        constants: { w: random([3, 4], 1), lo: scalar(-0.25), hi: scalar(0.5) },
        nodes,
        outputs,
      }),
    );

  it("gives the bounds to the node before", () => {
    const graph = fused([
      ["Add", "a b", "s"],
      ["Relu", "s", "r"],
      ["MatMul", "r w", "m"],
      ["Clip", "m lo hi", "y"],
    ]);
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph test(%a: f32[2,3], %b: f32[2,3]) -> (%y)
        const %w: f32[3,4]
        %r: f32[2,3] = Add(%a, %b) {min=0}
        %y: f32[2,4] = MatMul(%r, %w) {max=0.5, min=-0.25}
      "
    `);
  });

  it("composes bounds in the order in which they clamp", () => {
    const graph = fused([
      ["Mul", "a b", "s"],
      ["Clip", "s _ hi", "c"],
      ["Relu", "c", "r"],
      ["Clip", "r lo _", "y"],
    ]);
    expect(ops(graph)).toBe("Mul");
    expect(graph.nodes[0].attrs).toMatchObject({ min: 0, max: 0.5 });
  });

  it("leaves values that others read, and bounds that are computed", () => {
    expect(
      ops(
        fused(
          [
            ["Add", "a b", "s"],
            ["Relu", "s", "y"],
          ],
          "y s",
        ),
      ),
    ).toBe("Add Relu");
    expect(
      ops(
        fused([
          ["Abs", "a", "s"],
          ["Relu", "s", "y"],
        ]),
      ),
    ).toBe("Abs Relu");
  });
});

describe("fuse-affine", () => {
  it("puts batch normalization into a convolution, in groups and without a bias too", () => {
    const graph = graphOf({
      inputs: { x: [2, 3, 4, 4] },
      constants: { w: random([3, 1, 3, 3], 1), ...statistics },
      nodes: [
        ["Conv", "x w", "c", { group: 3 }],
        ["BatchNormalization", "c scale bias mean variance", "y", { epsilon: 0.01 }],
      ],
      outputs: "y",
    });
    expect(printGraph(applied(fuseAffine, graph, 1e-6))).toMatchInlineSnapshot(`
      "graph test(%x: f32[2,3,4,4]) -> (%y)
        const %c.bias: f32[3] = [0.00037487, -1.11094, -0.829826]
        const %c.weight: f32[3,1,3,3]
        %y: f32[2,3,2,2] = Conv(%x, %c.weight, %c.bias) {group=3}
      "
    `);
  });

  it("puts chains of constants into MatMul and Conv", () => {
    const matmul = graphOf({
      inputs: { x: [2, 5] },
      constants: { w: random([5, 3], 1), v: random([3], 2), k: scalar(-3), ...statistics },
      nodes: [
        ["MatMul", "x w", "m"],
        ["Add", "v m", "a"],
        ["Mul", "a k", "s"],
        ["Sub", "k s", "d"],
        ["Div", "d k", "e"],
        ["BatchNormalization", "e scale bias mean variance", "y"],
      ],
      outputs: "y",
    });
    expect(ops(applied(fuseAffine, matmul, 1e-6))).toBe("MatMul");
    const conv = graphOf({
      inputs: { x: [1, 2, 3, 3] },
      constants: { w: random([3, 2, 1, 1], 1), b: random([3], 2), v: random([1, 3, 1, 1], 3), u: random([3, 1, 1], 4) },
      nodes: [
        ["Conv", "x w b", "c"],
        ["Add", "c v", "a"],
        ["Mul", "u a", "y"],
      ],
      outputs: "y",
    });
    expect(ops(applied(fuseAffine, conv, 1e-6))).toBe("Conv");
  });

  it("leaves constants along another axis, or that stretch the output, and layers with an activation", () => {
    const left = (shape: readonly number[], attrs = {}) => {
      const graph = graphOf({
        inputs: { x: [3, 3] },
        constants: { w: random([3, 3], 1), v: random(shape, 2) },
        nodes: [
          ["MatMul", "x w", "m", attrs],
          ["Add", "m v", "y"],
        ],
        outputs: "y",
      });
      return ops(applied(fuseAffine, graph, 1e-6));
    };
    expect(left([3])).toBe("MatMul");
    expect(left([3, 1])).toBe("MatMul Add");
    expect(left([1, 1, 3])).toBe("MatMul Add");
    expect(left([3], { min: 0 })).toBe("MatMul Add");
  });
});

describe("split-batchnorm", () => {
  it("makes a multiplication and an addition of what is left", () => {
    const graph = graphOf({
      inputs: { x: [2, 3, 2, 2] },
      constants: statistics,
      nodes: [["BatchNormalization", "x scale bias mean variance", "y"]],
      outputs: "y",
    });
    expect(printGraph(applied(splitBatchnorm, graph, 1e-6))).toMatchInlineSnapshot(`
      "graph test(%x: f32[2,3,2,2]) -> (%y)
        const %y.scale: f32[3,1,1] = [-0.111115, -0.48926, -0.47726]
        const %y.shift: f32[3,1,1] = [0.00049042, -1.11298, -0.831624]
        %y_scaled: f32[2,3,2,2] = Mul(%x, %y.scale)
        %y: f32[2,3,2,2] = Add(%y_scaled, %y.shift)
      "
    `);
  });
});

describe("gemm-to-matmul", () => {
  const gemm = (attrs: object, c?: readonly number[], constant = true) => {
    const { transA = 0, transB = 0 } = attrs as Record<string, number>;
    const b = transB ? [4, 3] : [3, 4];
    return applied(
      gemmToMatmul,
      graphOf({
        inputs: { a: transA ? [3, 2] : [2, 3], ...(constant ? {} : { b }) },
        constants: { ...(constant && { b: random(b, 1) }), ...(c && { c: random(c, 2) }) },
        nodes: [["Gemm", c ? "a b c" : "a b", "y", { ...attrs }]],
        outputs: "y",
      }),
      1e-6,
    );
  };

  it("keeps a plain one as a MatMul with a bias", () => {
    expect(printGraph(gemm({ transB: 1 }, [4]))).toMatchInlineSnapshot(`
      "graph test(%a: f32[2,3]) -> (%y)
        const %c: f32[4] = [-0.440541, -0.81671, 0.443983, -0.00974706]
        const %y.weight: f32[3,4]
        %y: f32[2,4] = MatMul(%a, %y.weight, %c)
      "
    `);
  });

  it.each([
    [{ alpha: 0.5, beta: 2 }, [4], true, "MatMul"],
    [{ beta: 0 }, [4], true, "MatMul"],
    [{}, undefined, true, "MatMul"],
    [{}, [1], true, "MatMul"],
    [{ transA: 1 }, [1, 4], true, "Transpose MatMul"],
    [{ alpha: 2 }, [2, 1], true, "MatMul Add"],
    [{ transB: 1, alpha: 0.5, beta: 2 }, [2, 4], false, "Transpose MatMul Mul Mul Add"],
  ] as const)("%j with C of %j", (attrs, c, constant, expected) => {
    expect(ops(gemm(attrs, c, constant))).toBe(expected);
  });
});

describe("fuse-layernorm", () => {
  const constants = { two: scalar(2), eps: scalar(1e-3), g: random([6], 1), b: random([6], 2) };
  const nodes = (square: string): Parameters<typeof graphOf>[0]["nodes"] => [
    ["ReduceMean", "x", "mean", { axes: [-1] }],
    ["Sub", "x mean", "d"],
    [square === "Pow" ? "Pow" : "Mul", square === "Pow" ? "d two" : "d d", "sq"],
    ["ReduceMean", "sq", "var", { axes: [2] }],
    ["Add", "eps var", "ve"],
    ["Sqrt", "ve", "dev"],
    ["Div", "d dev", "n"],
    ["Mul", "n g", "s"],
    ["Add", "s b", "y"],
  ];

  it.each(["Pow", "Mul"])("knows the decomposition with %s, and takes scale and bias in", (square) => {
    const graph = graphOf({ inputs: { x: [2, 3, 6] }, constants, nodes: nodes(square), outputs: "y" });
    const fused = applied((g) => fuseAffine(fuseLayernorm(g)), graph, 1e-6);
    expect(ops(fused)).toBe("LayerNormalization");
    expect(fused.nodes[0].attrs).toMatchObject({ axis: -1, epsilon: Math.fround(1e-3) });
  });

  it("leaves a scale that runs over several axes, which no factor along one of them fits", () => {
    const graph = graphOf({
      inputs: { x: [2, 3, 4] },
      constants: { s: random([12], 1), g: random([4], 2) },
      nodes: [
        ["LayerNormalization", "x s", "n", { axis: 1 }],
        ["Mul", "n g", "y"],
      ],
      outputs: "y",
    });
    expect(ops(applied(fuseAffine, graph))).toBe("LayerNormalization Mul");
  });

  it("leaves a mean over another axis", () => {
    const other = nodes("Pow").with(0, ["ReduceMean", "x", "mean", { axes: [1] }]);
    const graph = graphOf({ inputs: { x: [2, 3, 6] }, constants, nodes: other, outputs: "y" });
    expect(ops(applied(fuseLayernorm, graph))).not.toContain("LayerNormalization");
  });
});

describe("fuse-gelu", () => {
  const constants = { r: scalar(Math.SQRT2), q: scalar(Math.SQRT1_2), one: scalar(1), half: scalar(0.5), third: scalar(0.3) };
  const erf: Parameters<typeof graphOf>[0]["nodes"] = [
    ["Div", "x r", "d"],
    ["Erf", "d", "e"],
    ["Add", "e one", "a"],
  ];
  const fused = (nodes: Parameters<typeof graphOf>[0]["nodes"]) =>
    ops(applied(fuseGelu, graphOf({ inputs: { x: [2, 5] }, constants, nodes, outputs: "y" }), 1e-6));

  it.each([
    ["PyTorch's", [...erf, ["Mul", "x a", "m"], ["Mul", "m half", "y"]]],
    ["half first", [...erf, ["Mul", "half x", "h"], ["Mul", "h a", "y"]]],
    ["half behind the sum", [...erf, ["Mul", "a half", "h"], ["Mul", "x h", "y"]]],
    [
      "a factor in place of the division",
      [
        ["Mul", "q x", "d"],
        ["Erf", "d", "e"],
        ["Add", "one e", "a"],
        ["Mul", "a x", "m"],
        ["Mul", "half m", "y"],
      ],
    ],
  ] as const)("knows it in the spelling with %s", (_, nodes) => {
    expect(fused(nodes)).toBe("Gelu");
  });

  it("leaves products that only look like it", () => {
    expect(fused([...erf, ["Mul", "x a", "m"], ["Mul", "m third", "y"]])).not.toContain("Gelu");
    expect(
      fused([
        ["Div", "x half", "d"],
        ["Erf", "d", "e"],
        ["Add", "e one", "a"],
        ["Mul", "x a", "m"],
        ["Mul", "m half", "y"],
      ]),
    ).not.toContain("Gelu");
  });
});

describe("fuse-hardswish", () => {
  const constants = { three: scalar(3), zero: scalar(0), six: scalar(6), sixth: scalar(1 / 6), two: scalar(2) };
  const fused = (nodes: Parameters<typeof graphOf>[0]["nodes"]) => {
    const stretched = nodes.map((node): (typeof nodes)[number] => node);
    return ops(
      applied(
        fuseHardswish,
        graphOf({ inputs: { x: [40] }, constants, nodes: [["Div", "x sixth", "v"], ...stretched], outputs: "y" }),
        1e-6,
      ),
    );
  };

  it.each([
    [
      "Paddle's",
      [
        ["Add", "v three", "a"],
        ["Clip", "a zero six", "c"],
        ["Mul", "v c", "m"],
        ["Div", "m six", "y"],
      ],
    ],
    [
      "the factor inside",
      [
        ["Add", "three v", "a"],
        ["Clip", "a zero six", "c"],
        ["Mul", "c sixth", "m"],
        ["Mul", "m v", "y"],
      ],
    ],
    [
      "HardSigmoid",
      [
        ["HardSigmoid", "v", "h", { alpha: 1 / 6 }],
        ["Mul", "h v", "y"],
      ],
    ],
  ] as const)("knows it in the spelling with %s", (_, nodes) => {
    expect(fused(nodes)).toBe("Div HardSwish");
  });

  it("leaves other slopes and bounds", () => {
    expect(
      fused([
        ["HardSigmoid", "v", "h"],
        ["Mul", "h v", "y"],
      ]),
    ).not.toContain("HardSwish");
    expect(
      fused([
        ["Add", "v three", "a"],
        ["Clip", "a zero two", "c"],
        ["Mul", "v c", "m"],
        ["Div", "m six", "y"],
      ]),
    ).not.toContain("HardSwish");
  });
});

describe("fuse-pad", () => {
  const fused = (op: string, reads: string, attrs: object, pads: number[], fill = 0) =>
    applied(
      fusePad,
      graphOf({
        inputs: { x: [1, 2, 5, 5] },
        constants: { p: i64(pads), fill: scalar(fill), w: random([2, 2, 3, 3], 1) },
        nodes: [
          ["Pad", "x p fill", "z"],
          [op, reads, "y", { ...attrs }],
        ],
        outputs: "y",
      }),
      1e-6,
    );
  const around = [0, 0, 1, 0, 0, 0, 2, 1];

  it("adds zeros around an image to the convolution's own padding", () => {
    const graph = fused("Conv", "z w", { pads: [1, 1, 1, 1] }, around);
    expect(ops(graph)).toBe("Conv");
    expect(graph.nodes[0].attrs.pads).toEqual([2, 1, 3, 2]);
  });

  it("makes an average count its padding", () => {
    expect(fused("AveragePool", "z", { kernel_shape: [3, 3] }, around).nodes[0].attrs).toMatchObject({
      count_include_pad: 1,
      pads: [1, 0, 2, 1],
    });
    expect(ops(fused("AveragePool", "z", { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, around))).toBe("Pad AveragePool");
  });

  it("leaves other values, channels and maxima", () => {
    expect(ops(fused("Conv", "z w", {}, around, 1))).toBe("Pad Conv");
    expect(ops(fused("MaxPool", "z", { kernel_shape: [3, 3] }, around))).toBe("Pad MaxPool");
    expect(ops(fused("AveragePool", "z", { kernel_shape: [3, 3] }, [0, 1, 0, 0, 0, 0, 0, 0]))).toBe("Pad AveragePool");
  });
});
