import { describe, expect, it } from "vitest";
import type { AttrValue } from "../../src/graph/graph.ts";
import { opOf } from "../../src/ops/index.ts";
import { makeNode } from "../../src/ops/node.ts";
import { evaluateNode } from "../../src/semantics/evaluate.ts";
import { subgraphs } from "../../src/semantics/subgraphs.ts";
import { type DType, type Shape, type Tensor, tensor } from "../../src/tensor/index.ts";

/** 0, 1, 2, … in the given shape. */
const count = (...shape: number[]): Tensor =>
  tensor(
    "f32",
    Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => i),
    shape,
  );
const ints = (...data: number[]) => tensor("i64", data);
const scalar = (value: number, dtype: DType = "f32") => tensor(dtype, [value], []);
const bools = (...data: number[]) => tensor("bool", data);

function run(op: string, inputs: readonly (Tensor | undefined)[], attrs: Record<string, AttrValue> = {}, outputs = 1): readonly Tensor[] {
  const node = makeNode({
    op,
    name: "n",
    inputs: inputs.map((input, i) => (input ? `x${i}` : "")),
    outputs: Array.from({ length: outputs }, (_, i) => `y${i}`),
    attrs,
  });
  const def = opOf(op)!;
  const types = def.infer({ node, inputs, constant: (i) => inputs[i] }, subgraphs);
  const results = def.eval({ node, inputs }, subgraphs);
  expect(types.map(({ dtype, shape }) => ({ dtype, shape }))).toEqual(results.map(({ dtype, shape }) => ({ dtype, shape })));
  return results;
}

/** Operator, inputs, attributes, and each output's shape and data, computed by hand from the ONNX definition. */
type Row = readonly [
  title: string,
  op: string,
  inputs: readonly (Tensor | undefined)[],
  attrs: Record<string, AttrValue>,
  output: readonly [Shape, readonly number[]],
  second?: readonly [Shape, readonly number[]],
];

const rows: readonly Row[] = [
  ["copies a dimension for 0 and computes -1", "Reshape", [count(2, 3, 4), ints(0, -1, 2)], {}, [[2, 6, 2], [...count(24).data]]],
  ["keeps 0 as a size with allowzero", "Reshape", [count(0, 3), ints(3, 0)], { allowzero: 1 }, [[3, 0], []]],
  ["joins axes before and after", "Flatten", [count(2, 3, 2)], { axis: 2 }, [[6, 2], [...count(12).data]]],
  ["joins all behind a 1", "Flatten", [count(2, 3)], { axis: 0 }, [[1, 6], [...count(6).data]]],
  ["counts axes from the end", "Flatten", [count(2, 3, 2)], { axis: -1 }, [[6, 2], [...count(12).data]]],
  ["drops all ones", "Squeeze", [count(1, 2, 1)], {}, [[2], [0, 1]]],
  [
    "drops those asked for",
    "Squeeze",
    [count(1, 2, 1), ints(-1)],
    {},
    [
      [1, 2],
      [0, 1],
    ],
  ],
  [
    "puts ones in the output's places",
    "Unsqueeze",
    [count(2), ints(-1, 0)],
    {},
    [
      [1, 2, 1],
      [0, 1],
    ],
  ],
  [
    "reverses axes by default",
    "Transpose",
    [count(2, 3)],
    {},
    [
      [3, 2],
      [0, 3, 1, 4, 2, 5],
    ],
  ],
  [
    "permutes",
    "Transpose",
    [count(1, 2, 3)],
    { perm: [1, 2, 0] },
    [
      [2, 3, 1],
      [0, 1, 2, 3, 4, 5],
    ],
  ],
  [
    "takes from start to end",
    "Slice",
    [count(2, 4), ints(1, 0), ints(2, 3)],
    {},
    [
      [1, 3],
      [4, 5, 6],
    ],
  ],
  ["takes negative indices and INT64_MAX", "Slice", [count(4), ints(-3), ints(2 ** 53)], {}, [[3], [1, 2, 3]]],
  ["steps", "Slice", [count(7), ints(1), ints(7), ints(0), ints(3)], {}, [[2], [1, 4]]],
  ["steps backwards past the start", "Slice", [count(4), ints(2), ints(-(2 ** 53)), ints(0), ints(-1)], {}, [[3], [2, 1, 0]]],
  ["steps backwards from beyond the end", "Slice", [count(4), ints(99), ints(0), ints(0), ints(-2)], {}, [[2], [3, 1]]],
  ["takes nothing where end is before start", "Slice", [count(4), ints(3), ints(1)], {}, [[0], []]],
  [
    "joins",
    "Concat",
    [count(2, 1), count(2, 2)],
    { axis: 1 },
    [
      [2, 3],
      [0, 0, 1, 1, 2, 3],
    ],
  ],
  [
    "joins along the first axis, counted from the end",
    "Concat",
    [count(1, 2), count(2, 2)],
    { axis: -2 },
    [
      [3, 2],
      [0, 1, 0, 1, 2, 3],
    ],
  ],
  ["divides evenly", "Split", [count(4)], {}, [[2], [0, 1]], [[2], [2, 3]]],
  ["makes the last shorter", "Split", [count(5)], { num_outputs: 2 }, [[3], [0, 1, 2]], [[2], [3, 4]]],
  [
    "takes lengths",
    "Split",
    [count(2, 3), ints(1, 2)],
    { axis: 1 },
    [
      [2, 1],
      [0, 3],
    ],
    [
      [2, 2],
      [1, 2, 4, 5],
    ],
  ],
  ["drops the axis for a scalar", "Gather", [count(2, 3), scalar(-1, "i64")], { axis: 1 }, [[2], [2, 5]]],
  [
    "picks in any order",
    "Gather",
    [count(3, 2), tensor("i64", [2, 0, 1, 1], [2, 2])],
    {},
    [
      [2, 2, 2],
      [4, 5, 0, 1, 2, 3, 2, 3],
    ],
  ],
  [
    "stretches both ways",
    "Expand",
    [count(2, 1), ints(3, 1, 2)],
    {},
    [
      [3, 2, 2],
      [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1],
    ],
  ],
  [
    "repeats",
    "Tile",
    [count(1, 2), ints(2, 2)],
    {},
    [
      [2, 4],
      [0, 1, 0, 1, 0, 1, 0, 1],
    ],
  ],
  ["repeats not at all", "Tile", [count(2), ints(0)], {}, [[0], []]],
  [
    "surrounds",
    "Pad",
    [count(1, 2), ints(1, 0, 0, 1), scalar(9)],
    {},
    [
      [2, 3],
      [9, 9, 9, 0, 1, 9],
    ],
  ],
  ["pads by reflection", "Pad", [count(3), ints(2, 1)], { mode: "reflect" }, [[6], [2, 1, 0, 1, 2, 1]]],
  ["pads by the edge, after a cut", "Pad", [count(3), ints(2, -1)], { mode: "edge" }, [[4], [0, 0, 0, 1]]],
  ["pads around", "Pad", [count(3), ints(2, 1)], { mode: "wrap" }, [[6], [1, 2, 0, 1, 2, 0]]],
  ["cuts with negative pads", "Pad", [count(4), ints(-1, 1)], {}, [[4], [1, 2, 3, 0]]],
  [
    "pads the axes asked for",
    "Pad",
    [count(1, 2), ints(1, 0), undefined, ints(-1)],
    {},
    [
      [1, 3],
      [0, 0, 1],
    ],
  ],
  ["is the shape", "Shape", [count(2, 3, 4)], {}, [[3], [2, 3, 4]]],
  ["is cut", "Shape", [count(2, 3, 4)], { start: 1, end: -1 }, [[1], [3]]],
  ["is the number of elements", "Size", [count(2, 3)], {}, [[], [6]]],
  [
    "fills",
    "ConstantOfShape",
    [ints(2, 2)],
    { value: ints(7) },
    [
      [2, 2],
      [7, 7, 7, 7],
    ],
  ],
  ["makes a scalar of an empty shape", "ConstantOfShape", [ints()], {}, [[], [0]]],
  [
    "counts up",
    "Range",
    [scalar(1), scalar(2), scalar(0.4)],
    {},
    [[3], [1, Math.fround(1 + Math.fround(0.4)), Math.fround(1 + 2 * Math.fround(0.4))]],
  ],
  ["counts down", "Range", [scalar(5, "i64"), scalar(0, "i64"), scalar(-2, "i64")], {}, [[3], [5, 3, 1]]],
  ["cuts towards zero", "Cast", [tensor("f32", [-1.9, 1.9, Number.NaN])], { to: 7 }, [[3], [-1, 1, 0]]],
  ["is true for all but zero", "Cast", [tensor("f32", [0, 0.5, -0])], { to: 9 }, [[3], [0, 1, 0]]],
  ["wraps integers", "Cast", [ints(257, -1)], { to: 2 }, [[2], [1, 255]]],
  [
    "chooses, broadcasting",
    "Where",
    [tensor("bool", [1, 0], [2, 1]), count(2), scalar(9)],
    {},
    [
      [2, 2],
      [0, 1, 9, 9],
    ],
  ],
  [
    "compares, broadcasting",
    "Equal",
    [tensor("i64", [1, 2], [2, 1]), ints(1, 2)],
    {},
    [
      [2, 2],
      [1, 0, 0, 1],
    ],
  ],
  ["orders", "Less", [count(3), scalar(1)], {}, [[3], [1, 0, 0]]],
  ["orders or equals", "LessOrEqual", [count(3), scalar(1)], {}, [[3], [1, 1, 0]]],
  ["orders the other way", "Greater", [count(3), scalar(1)], {}, [[3], [0, 0, 1]]],
  ["orders the other way or equals", "GreaterOrEqual", [count(3), scalar(1)], {}, [[3], [0, 1, 1]]],
  ["needs both", "And", [bools(0, 0, 1, 1), bools(0, 1, 0, 1)], {}, [[4], [0, 0, 0, 1]]],
  ["needs one", "Or", [bools(0, 0, 1, 1), bools(0, 1, 0, 1)], {}, [[4], [0, 1, 1, 1]]],
  ["needs exactly one", "Xor", [bools(0, 0, 1, 1), bools(0, 1, 0, 1)], {}, [[4], [0, 1, 1, 0]]],
  ["turns around", "Not", [bools(0, 1)], {}, [[2], [1, 0]]],
];

describe("definitions of shape operators", () => {
  for (const [title, op, inputs, attrs, ...given] of rows)
    it(`${op} ${title}`, () => {
      const outputs = given.filter((output) => output !== undefined);
      const results = run(op, inputs, attrs, outputs.length);
      expect(results.map(({ shape, data }) => [shape, Array.from(data)])).toEqual(outputs);
    });

  it("keep the grid of int8 values that they move, and pad with its zero", () => {
    const quant = { scale: Float32Array.of(0.5), zero: -3 };
    const x: Tensor = { ...tensor("i8", [1, 2]), quant };
    expect(run("Pad", [x, ints(1, 0)])[0]).toEqual({ ...tensor("i8", [-3, 1, 2]), quant });
    expect(run("Slice", [x, ints(1), ints(2)])[0]).toEqual({ ...tensor("i8", [2]), quant });
  });

  it("bring int8 values that are joined to one grid", () => {
    const on = (scale: number, zero: number, ...data: number[]): Tensor => ({
      ...tensor("i8", data),
      quant: { scale: Float32Array.of(scale), zero },
    });
    const node = makeNode({
      op: "Concat",
      name: "n",
      inputs: ["a", "b"],
      outputs: ["c"],
      attrs: { axis: 0 },
      quant: { scale: Float32Array.of(1), zero: 1 },
    });
    const [out] = evaluateNode(node, [on(0.5, 0, 3, 5, -128), on(100, 0, 1, 2)]);
    // 1.5, 2.5 and −64 on a grid of 1: halves go to the even integer; 100 fits, 200 saturates.
    expect(out).toEqual({ ...tensor("i8", [3, 3, -63, 101, 127]), quant: node.quant });
  });
});

describe("inputs that do not fit", () => {
  const refuse: readonly [op: string, inputs: readonly (Tensor | undefined)[], attrs: Record<string, AttrValue>, message: RegExp][] = [
    ["Reshape", [count(2, 3), ints(4, -1)], {}, /\[2,3\] cannot be reshaped to \[4,-1\]/],
    ["Reshape", [count(2, 3), ints(-1, -1)], {}, /not valid/],
    ["Reshape", [count(2), ints(2, 0)], {}, /dimension 1 is to be copied from an input of rank 1/],
    ["Reshape", [count(2), tensor("f32", [2])], {}, /must be integers, not f32/],
    ["Flatten", [count(2)], { axis: 2 }, /outside a rank of 1/],
    ["Squeeze", [count(2), ints(0)], {}, /axis 0 of \[2\] is not 1/],
    ["Unsqueeze", [count(2), ints(0, 0)], {}, /name an axis twice/],
    ["Transpose", [count(2, 3)], { perm: [0, 0] }, /no permutation of 2 axes/],
    ["Slice", [count(2), ints(0), ints(1), ints(0), ints(0)], {}, /step is 0/],
    ["Slice", [count(2), ints(0), ints(1, 1)], {}, /differ in length/],
    ["Concat", [count(2, 2), count(3, 3)], { axis: 0 }, /does not continue/],
    ["Split", [count(3), ints(1, 1)], {}, /does not divide 3/],
    ["Gather", [count(3), ints(3)], {}, /index 3 is outside a dimension of 3/],
    ["Expand", [count(2), ints(3)], {}, /does not broadcast/],
    ["Tile", [count(2), ints(1, 1)], {}, /do not fit a rank of 1/],
    ["Pad", [count(2), ints(1)], {}, /1 pads do not fit 1 axes/],
    ["Pad", [count(2), ints(1, 1)], { mode: "mirror" }, /mode "mirror" is not supported/],
    ["Pad", [count(0), ints(1, 0)], { mode: "edge" }, /mode edge has nothing to repeat along a dimension of 0/],
    ["Range", [scalar(0), scalar(1), scalar(0)], {}, /delta is 0/],
    ["Cast", [count(2)], { to: 8 }, /element type string is not supported/],
    ["Where", [count(2), count(2), count(2)], {}, /must be bool, is f32/],
    ["Equal", [count(2), ints(1, 2)], {}, /operands are f32 and i64/],
    ["And", [count(2), count(2)], {}, /takes bool, not f32/],
  ];

  it.each(refuse)("%s %j", (op, inputs, attrs, message) => {
    expect(() => run(op, inputs, attrs, 2)).toThrow(message);
    expect(() => run(op, inputs, attrs, 2)).toThrow(RangeError);
  });
});
