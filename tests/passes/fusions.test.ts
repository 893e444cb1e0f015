import { describe, expect, it } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import { fuseActivation } from "../../src/passes/fuse-activation.ts";
import { fuseAffine } from "../../src/passes/fuse-affine.ts";
import { fuseAffineAhead } from "../../src/passes/fuse-affine-ahead.ts";
import { fuseFunctions } from "../../src/passes/fuse-functions.ts";
import { fusePad } from "../../src/passes/fuse-pad.ts";
import { gemmToMatmul } from "../../src/passes/gemm-to-matmul.ts";
import { splitBatchnorm } from "../../src/passes/split-batchnorm.ts";
import { printGraph } from "../../src/semantics/print.ts";
import { f32, i64, tensor } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";
import { applied } from "./expect-same.ts";

/** Nodes as `[op, inputs, outputs, attributes]`. */
type Nodes = Parameters<typeof graphOf>[0]["nodes"];

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

describe("fuse-affine-ahead", () => {
  const constants = {
    w: random([4, 2, 1, 1], 1),
    w3: random([4, 1, 3, 3], 2),
    b: random([4], 3),
    each: random([4, 1, 1], 4),
    k: scalar(-3),
    none: scalar(0),
    v: random([4, 3], 5),
    row: random([4], 6),
  };
  const fused = (nodes: Nodes, shape = [2, 4, 5, 5]) =>
    applied(fuseAffineAhead, graphOf({ inputs: { x: shape }, constants, nodes, outputs: "y" }), 1e-6);

  it("puts factors and terms into a convolution, in groups and without a bias too", () => {
    const graph = fused([
      ["Abs", "x", "a"],
      ["Mul", "a k", "m"],
      ["Add", "each m", "s"],
      ["Conv", "s w b", "y", { group: 2 }],
    ]);
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph test(%x: f32[2,4,5,5]) -> (%y)
        const %y.bias: f32[4] = [-0.73563, 0.12758, 0.62886, 0.319146]
        const %y.weight: f32[4,2,1,1] = [1.45261, 1.88936, -1.62458, 2.51102, -0.0158509, 2.374, 2.16938, -2.68882]
        %a: f32[2,4,5,5] = Abs(%x)
        %y: f32[2,4,5,5] = Conv(%a, %y.weight, %y.bias) {group=2}
      "
    `);
    expect(
      ops(
        fused([
          ["Sub", "x each", "s"],
          ["Conv", "s w", "y", { group: 2 }],
        ]),
      ),
    ).toBe("Conv");
  });

  it("puts no term through padding", () => {
    const pads = [1, 1, 1, 1];
    expect(
      ops(
        fused([
          ["Add", "x each", "s"],
          ["Mul", "s k", "m"],
          ["Conv", "m w3", "y", { group: 4, pads }],
        ]),
      ),
    ).toBe("Add Conv");
  });

  it("puts a factor past a term that padding keeps where it is", () => {
    const nodes = (factor: string): Nodes => [
      ["Mul", `x ${factor}`, "m"],
      ["Add", "m each", "s"],
      ["Conv", "s w3 b", "y", { group: 4, pads: [1, 1, 1, 1] }],
    ];
    expect(ops(fused(nodes("k")))).toBe("Add Conv");
    expect(ops(fused(nodes("each")))).toBe("Add Conv");
    expect(ops(fused(nodes("none")))).toBe("Mul Add Conv");
  });

  it("puts them into a MatMul, and leaves what others read", () => {
    const nodes: Nodes = [
      ["Div", "x k", "d"],
      ["Add", "d row", "s"],
      ["MatMul", "s v", "y"],
    ];
    expect(ops(fused(nodes, [2, 5, 4]))).toBe("MatMul");
    const graph = graphOf({ inputs: { x: [2, 5, 4] }, constants, nodes, outputs: "y s" });
    expect(ops(applied(fuseAffineAhead, graph))).toBe("Div Add MatMul");
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

describe("fuse-functions", () => {
  const number = {
    two: 2,
    three: 3,
    six: 6,
    sixth: 1 / 6,
    half: 0.5,
    one: 1,
    zero: 0,
    root: Math.SQRT2,
    inverse: Math.SQRT1_2,
    c: 0.044715,
    t: Math.sqrt(2 / Math.PI),
    negative: -0.5,
    beta: 1.702,
    eps: 1e-3,
  };
  const constants = {
    ...Object.fromEntries(Object.entries(number).map(([name, value]) => [name, scalar(value)])),
    g: random([6], 1),
    b: random([6], 2),
  };
  /** Stretched, so that bounds are met. */
  const fused = (nodes: Nodes, more: Parameters<typeof graphOf>[0]["constants"] = {}) =>
    applied(
      (graph) => fuseAffine(fuseFunctions(graph)),
      graphOf({
        inputs: { v: [2, 3, 6] },
        constants: { ...constants, ...more },
        nodes: [["Mul", "v six", "s6"], ["Identity", "s6", "x"], ...nodes],
        outputs: "y",
      }),
      1e-5,
    );
  const erf: Nodes = [
    ["Div", "x root", "d"],
    ["Erf", "d", "e"],
    ["Add", "e one", "a"],
  ];
  const centred: Nodes = [
    ["ReduceMean", "x", "mean", { axes: [-1] }],
    ["Sub", "x mean", "d"],
    ["Mul", "d d", "sq"],
    ["ReduceMean", "sq", "var", { axes: [2] }],
    ["Add", "eps var", "ve"],
    ["Sqrt", "ve", "dev"],
  ];
  const squared: Nodes = [
    ["Pow", "x two", "sq"],
    ["ReduceMean", "sq", "var", { axes: [-1] }],
    ["Add", "var eps", "ve"],
  ];

  const SPELLINGS: readonly (readonly [op: string, spelling: string, nodes: Nodes])[] = [
    ["Gelu", "PyTorch", [...erf, ["Mul", "x a", "m"], ["Mul", "m half", "y"]]],
    ["Gelu", "half first", [...erf, ["Mul", "half x", "h"], ["Mul", "h a", "y"]]],
    ["Gelu", "half behind the sum", [...erf, ["Mul", "a half", "h"], ["Mul", "x h", "y"]]],
    [
      "Gelu",
      "a factor in place of the division",
      [
        ["Mul", "inverse x", "d"],
        ["Erf", "d", "e"],
        ["Add", "one e", "a"],
        ["Mul", "a x", "m"],
        ["Div", "m two", "y"],
      ],
    ],
    [
      "Gelu",
      "tanh, a power",
      [
        ["Pow", "x three", "p"],
        ["Mul", "p c", "q"],
        ["Add", "x q", "s"],
        ["Mul", "s t", "u"],
        ["Tanh", "u", "h"],
        ["Add", "h one", "a"],
        ["Mul", "x half", "m"],
        ["Mul", "m a", "y"],
      ],
    ],
    [
      "Gelu",
      "tanh, products, factored",
      [
        ["Mul", "x x", "p"],
        ["Mul", "c p", "q"],
        ["Add", "one q", "s"],
        ["Mul", "x t", "k"],
        ["Mul", "k s", "u"],
        ["Tanh", "u", "h"],
        ["Add", "one h", "a"],
        ["Mul", "half a", "m"],
        ["Mul", "x m", "y"],
      ],
    ],
    [
      "Swish",
      "PyTorch",
      [
        ["Sigmoid", "x", "s"],
        ["Mul", "x s", "y"],
      ],
    ],
    [
      "Swish",
      "QuickGelu",
      [
        ["Mul", "beta x", "k"],
        ["Sigmoid", "k", "s"],
        ["Mul", "s x", "y"],
      ],
    ],
    [
      "Swish",
      "a quotient",
      [
        ["Neg", "x", "k"],
        ["Exp", "k", "e"],
        ["Add", "e one", "s"],
        ["Div", "x s", "y"],
      ],
    ],
    [
      "Sigmoid",
      "a quotient",
      [
        ["Neg", "x", "k"],
        ["Exp", "k", "e"],
        ["Add", "one e", "s"],
        ["Reciprocal", "s", "y"],
      ],
    ],
    [
      "Mish",
      "by Softplus",
      [
        ["Softplus", "x", "s"],
        ["Tanh", "s", "h"],
        ["Mul", "x h", "y"],
      ],
    ],
    [
      "Mish",
      "by Log and Exp",
      [
        ["Exp", "x", "e"],
        ["Add", "e one", "a"],
        ["Log", "a", "s"],
        ["Tanh", "s", "h"],
        ["Mul", "x h", "y"],
      ],
    ],
    [
      "HardSwish",
      "Paddle",
      [
        ["Add", "x three", "a"],
        ["Clip", "a zero six", "c6"],
        ["Mul", "x c6", "m"],
        ["Div", "m six", "y"],
      ],
    ],
    [
      "HardSwish",
      "the factor inside",
      [
        ["Add", "three x", "a"],
        ["Clip", "a zero six", "c6"],
        ["Mul", "c6 sixth", "m"],
        ["Mul", "m x", "y"],
      ],
    ],
    [
      "HardSwish",
      "by HardSigmoid",
      [
        ["HardSigmoid", "x", "h", { alpha: 1 / 6 }],
        ["Mul", "h x", "y"],
      ],
    ],
    [
      "HardSigmoid",
      "by Clip",
      [
        ["Add", "x three", "a"],
        ["Clip", "a zero six", "c6"],
        ["Div", "c6 six", "y"],
      ],
    ],
    [
      "HardSigmoid",
      "between 0 and 1",
      [
        ["Mul", "x sixth", "m"],
        ["Add", "m half", "a"],
        ["Clip", "a zero one", "y"],
      ],
    ],
    ["LayerNormalization", "PyTorch", [...centred, ["Div", "d dev", "n"], ["Mul", "n g", "s"], ["Add", "s b", "y"]]],
    [
      "LayerNormalization",
      "the inverse times the scale",
      [...centred, ["Reciprocal", "dev", "i"], ["Mul", "i g", "ig"], ["Mul", "ig d", "s"], ["Add", "b s", "y"]],
    ],
    [
      "LayerNormalization",
      "TensorFlow",
      [
        ...centred,
        ["Reciprocal", "dev", "i"],
        ["Mul", "i g", "ig"],
        ["Mul", "x ig", "left"],
        ["Mul", "mean ig", "right"],
        ["Sub", "b right", "shift"],
        ["Add", "left shift", "y"],
      ],
    ],
    ["RMSNormalization", "PyTorch", [...squared, ["Sqrt", "ve", "r"], ["Div", "x r", "n"], ["Mul", "n g", "y"]]],
    [
      "RMSNormalization",
      "Hugging Face",
      [...squared, ["Sqrt", "ve", "r"], ["Div", "one r", "i"], ["Mul", "x i", "n"], ["Mul", "g n", "y"]],
    ],
    ["RMSNormalization", "a power, the scale inside", [...squared, ["Pow", "ve negative", "i"], ["Mul", "i g", "n"], ["Mul", "x n", "y"]]],
  ];

  it.each(SPELLINGS)("%s as %s", (op, _, nodes) => {
    expect(ops(fused(nodes))).toBe(`Mul Identity ${op}`);
  });

  it("says what it found", () => {
    const attrsOf = (op: string, spelling: string) =>
      fused(SPELLINGS.find(([name, how]) => name === op && how.startsWith(spelling))![2]).nodes[2].attrs;
    expect(attrsOf("Swish", "QuickGelu").alpha).toBeCloseTo(1.702, 6);
    expect(attrsOf("Swish", "a quotient").alpha).toBe(1);
    expect(attrsOf("Gelu", "tanh").approximate).toBe("tanh");
    expect(attrsOf("HardSigmoid", "by Clip").alpha).toBeCloseTo(1 / 6, 6);
    expect(attrsOf("LayerNormalization", "TensorFlow")).toMatchObject({ axis: -1, epsilon: Math.fround(1e-3) });
    expect(printGraph(fused(SPELLINGS.find(([, how]) => how === "TensorFlow")![2]))).toMatchInlineSnapshot(`
      "graph test(%v: f32[2,3,6]) -> (%y)
        const %b: f32[6] = [-0.440541, -0.81671, 0.443983, -0.00974706, 0.242413, 0.173717]
        const %g: f32[6] = [-0.484202, -0.629788, 0.541525, -0.837007, 0.00528363, -0.791334]
        const %six: f32[] = [6]
        %s6: f32[2,3,6] = Mul(%v, %six)
        %x: f32[2,3,6] = Identity(%s6)
        %y: f32[2,3,6] = LayerNormalization(%x, %g, %b) {epsilon=0.001}
      "
    `);
  });

  it.each<[string, Nodes]>([
    ["another factor", [...erf, ["Mul", "x a", "m"], ["Mul", "m sixth", "y"]]],
    [
      "another argument",
      [
        ["Div", "x half", "d"],
        ["Erf", "d", "e"],
        ["Add", "e one", "a"],
        ["Mul", "x a", "m"],
        ["Mul", "m half", "y"],
      ],
    ],
    [
      "two values",
      [
        ["Sigmoid", "v", "s"],
        ["Mul", "x s", "y"],
      ],
    ],
    [
      "another slope",
      [
        ["HardSigmoid", "x", "h"],
        ["Mul", "h x", "y"],
      ],
    ],
    [
      "another bound",
      [
        ["Add", "x three", "a"],
        ["Clip", "a zero two", "c2"],
        ["Mul", "x c2", "m"],
        ["Div", "m six", "y"],
      ],
    ],
    ["a plain Clip", [["Clip", "x zero one", "y"]]],
    ["a mean over another axis", [...centred.with(0, ["ReduceMean", "x", "mean", { axes: [1] }]), ["Mul", "d dev", "y"]]],
    [
      "a mean over several axes",
      [...squared.with(1, ["ReduceMean", "sq", "var", { axes: [1, 2] }]), ["Sqrt", "ve", "r"], ["Div", "x r", "y"]],
    ],
  ])("leaves %s", (_, nodes) => {
    expect(ops(fused(nodes))).toBe(["Mul", "Identity", ...nodes.map(([op]) => op)].join(" "));
  });

  it("knows a function of what is a product itself", () => {
    const graph = graphOf({
      inputs: { x: [2, 5], z: [2, 5] },
      constants,
      nodes: [
        ["Mul", "x z", "p"],
        ["Neg", "p", "k"],
        ["Exp", "k", "e"],
        ["Add", "one e", "s"],
        ["Reciprocal", "s", "y"],
      ],
      outputs: "y",
    });
    expect(ops(applied(fuseFunctions, graph, 1e-6))).toBe("Mul Sigmoid");
  });

  it("leaves what others read the inside of", () => {
    const graph = graphOf({
      inputs: { x: [2, 5] },
      nodes: [
        ["Sigmoid", "x", "s"],
        ["Mul", "x s", "y"],
      ],
      outputs: "y s",
    });
    expect(ops(applied(fuseFunctions, graph))).toBe("Sigmoid Mul");
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
