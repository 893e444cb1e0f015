/** Random graphs: a list of steps, each of which adds an operator to what stands so far, or nothing where it does not fit. */
import fc from "fast-check";
import type { Graph } from "../../src/graph/graph.ts";
import { inferTypes } from "../../src/semantics/infer.ts";
import { type DType, elementCount, f32, i64, type Shape, type TensorType, tensor } from "../../src/tensor/index.ts";
import { axisOf, Draft, divisors, type Maker, pair, stretched, subset } from "./random-draft.ts";
import { BOOL_MAKERS, INTEGER_MAKERS, WHOLE } from "./random-integers.ts";
import { SUBGRAPH_MAKERS } from "./random-subgraphs.ts";

const REALS: readonly DType[] = ["f32"];
const ANY: readonly DType[] = ["f32", "i64", "i32", "u8", "bool"];

/** A step reads its choices from `picks`, one after the other, round and round: any list of numbers is a graph, so graphs shrink well. */
interface Step {
  readonly op: number;
  readonly picks: readonly number[];
}

interface Recipe {
  readonly inputs: readonly TensorType[];
  readonly steps: readonly Step[];
  /** Values that are put out beside those that nothing reads; inputs and constants may be among them. */
  readonly outputs: readonly number[];
}

const shapes: fc.Arbitrary<Shape> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(...[2, 9, 8, 8].map((max) => fc.integer({ min: 1, max }))) },
  { weight: 2, arbitrary: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 4, maxLength: 7 }) },
);

const inputs: fc.Arbitrary<readonly TensorType[]> = fc
  .tuple(
    shapes.map((shape): TensorType => ({ dtype: "f32", shape })),
    fc.array(fc.record({ dtype: fc.constantFrom<DType[]>("f32", "f32", "f32", "i64", "i32", "u8", "bool"), shape: shapes }), {
      maxLength: 3,
    }),
  )
  .map(([first, others]) => [first, ...others]);

export const recipes: fc.Arbitrary<Recipe> = fc.record({
  inputs,
  steps: fc.array(fc.record({ op: fc.nat(999), picks: fc.array(fc.nat(999), { minLength: 10, maxLength: 10 }) }), {
    minLength: 1,
    maxLength: 10,
  }),
  outputs: fc.array(fc.nat(999), { maxLength: 3 }),
});

const UNARY = `Relu Sigmoid Tanh HardSigmoid HardSwish LeakyRelu Elu Erf Gelu Softplus Abs Neg
  Selu Celu Softsign Atan Asinh`.split(/\s+/);

const unary: Maker = (d, x) => {
  d.add(d.one(UNARY), [x]);
};

/** Where elements are on one side of others, these or those: no jump where they are equal, which rounding would decide. */
const select: Maker = (d, x, shape) => {
  const limit = d.reals(stretched(d, shape));
  const less = d.add(d.one(["Less", "LessOrEqual"]), [x, limit]);
  const side = less && (d.below(2) ? less : d.add("Not", [less]));
  if (side) d.add("Where", d.below(2) ? [side, x, limit] : [side, limit, x]);
  for (const value of [less, side]) if (value) d.hide(value);
};

const mask: Maker = (d, x, shape) => {
  const keep = d.constant(
    tensor(
      "bool",
      Array.from({ length: elementCount(shape.slice(-1)) }, () => d.below(2)),
      shape.slice(-1),
    ),
  );
  d.one([
    () => d.add("Where", [keep, x, d.reals([])]),
    () => d.add("Where", [keep, d.reals(stretched(d, shape)), x]),
    () => d.add("Trilu", [x, d.constant(i64([d.between(-2, 2)], []))], { upper: d.below(2) }),
  ])();
};

const prelu: Maker = (d, x, shape) => void d.add("PRelu", [x, d.reals(stretched(d, shape))]);

const variadic: Maker = (d, x, shape) => {
  const others = Array.from({ length: d.between(0, 3) }, () => d.one([() => d.reals(stretched(d, shape)), () => d.value()])());
  d.add(d.one(["Sum", "Mean"]), [x, ...others]);
};

const binary: Maker = (d, x, shape) => {
  const op = d.one(["Add", "Sub", "Mul", "Min", "Max"]);
  const other = d.one([() => d.reals(stretched(d, shape)), () => d.reals([]), () => d.value(), () => x])();
  d.add(op, d.below(2) ? [x, other] : [other, x]);
};

const conv: Maker = (d, x, shape) => {
  if (shape.length !== 4) return;
  const group = d.one(divisors(shape[1]));
  const kernel = pair(d, 1, 4);
  const outputs = group * d.between(1, group > 3 ? 2 : 10);
  const w = d.reals([outputs, shape[1] / group, ...kernel]);
  const same = d.below(4) === 0 ? { auto_pad: d.one(["SAME_UPPER", "SAME_LOWER"]) } : { pads: [...pair(d, 0, 2), ...pair(d, 0, 2)] };
  const inputs = d.below(2) ? [x, w, d.reals([outputs])] : [x, w];
  d.add("Conv", inputs, { group, kernel_shape: kernel, strides: pair(d, 1, 3), dilations: pair(d, 1, 2), ...same });
};

const pool: Maker = (d, x) => {
  const kernel = pair(d, 1, 3);
  const pads = [d.below(kernel[0]), d.below(kernel[1]), d.below(kernel[0]), d.below(kernel[1])];
  const attrs = { kernel_shape: kernel, strides: pair(d, 1, 2), pads, ceil_mode: d.below(2) };
  // Taps that are apart may all lie in the padding, and the largest of nothing is no number that a grid could hold.
  if (d.below(2)) d.add("MaxPool", [x], { ...attrs, dilations: pads.some((n) => n > 0) ? [1, 1] : pair(d, 1, 2) });
  else d.add("AveragePool", [x], { ...attrs, count_include_pad: d.below(2) });
};

const batchnorm: Maker = (d, x, shape) => {
  if (shape.length < 2) return;
  const channels = [shape[1]];
  d.add("BatchNormalization", [x, d.reals(channels), d.reals(channels), d.reals(channels), d.positive(channels)]);
};

const matmul: Maker = (d, x, shape) => {
  if (shape.length === 0) return;
  const k = shape[shape.length - 1];
  const stack = d.below(3) ? [] : shape.slice(0, -2).map((n) => (d.below(2) ? n : 1));
  d.add("MatMul", [x, d.reals(d.below(6) ? [...stack, k, d.between(1, 18)] : [k])]);
};

const attention: Maker = (d, x, shape) => {
  if (shape.length < 2) return;
  const perm = shape.map((_, i) => i);
  perm.push(...perm.splice(-2).reverse());
  const turned = d.add("Transpose", [x], { perm });
  if (turned) d.add("MatMul", d.below(2) ? [x, turned] : [turned, x]);
};

const gemm: Maker = (d, x, shape) => {
  if (shape.length !== 2) return;
  const [transA, transB, n] = [d.below(2), d.below(2), d.between(1, 12)];
  const [m, k] = transA ? [shape[1], shape[0]] : shape;
  const w = d.reals(transB ? [n, k] : [k, n]);
  d.add("Gemm", d.below(2) ? [x, w, d.reals(stretched(d, [m, n]))] : [x, w], {
    transA,
    transB,
    alpha: d.one([1, 0.5]),
    beta: d.one([1, 2]),
  });
};

const softmax: Maker = (d, x, shape) => {
  d.add(d.one(["Softmax", "LogSoftmax"]), [x], { axis: axisOf(d, shape) });
};

const reduce: Maker = (d, x, shape) => {
  const axes = subset(d, shape.length);
  d.add(d.one(["ReduceMean", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"]), [x], {
    axes: axes.length ? axes : undefined,
    keepdims: d.below(2),
  });
};

const concat: Maker = (d, x, shape) => {
  if (shape.length === 0) return;
  const axis = axisOf(d, shape);
  const constant = () => d.like(d.type(x), shape.with(axis, d.between(1, 3)));
  const other = () => d.valueOf([d.type(x)])!;
  const inputs = [x, ...Array.from({ length: d.between(0, 2) }, () => d.one([constant, other, () => x])())];
  d.add("Concat", d.below(2) ? inputs : inputs.reverse(), { axis });
};

const split: Maker = (d, x, shape) => {
  if (shape.length === 0) return;
  const axis = axisOf(d, shape);
  const first = d.between(1, shape.at(axis)!);
  d.add("Split", [x, d.ints([first, shape.at(axis)! - first])], { axis }, 2);
};

const slice: Maker = (d, x, shape) => {
  if (shape.length === 0) return;
  const axis = axisOf(d, shape);
  const [start, end, step] = [d.between(-3, 3), d.between(-3, 9), d.one([1, 1, 2, -1])];
  d.add("Slice", [x, d.ints([start]), d.ints([end]), d.ints([axis]), d.ints([step])]);
};

const transpose: Maker = (d, x, shape) => {
  const axes = shape.map((_, i) => i);
  d.add("Transpose", [x], { perm: shape.map(() => axes.splice(d.below(axes.length), 1)[0]) });
};

const reshape: Maker = (d, x, shape) => {
  const at = d.below(shape.length);
  const joined = shape.length > 1 ? [...shape.slice(0, at), (shape[at] ?? 1) * (shape[at + 1] ?? 1), ...shape.slice(at + 2)] : [-1];
  const factor = d.one(divisors(shape[at] ?? 1));
  const parted = [...shape.slice(0, at), factor, (shape[at] ?? 1) / factor, ...shape.slice(at + 1)];
  d.add("Reshape", [x, d.ints(d.one([joined, parted, [-1], shape.length > 1 ? [0, -1] : [1, -1]]))]);
};

const shaping: Maker = (d, x, shape) => {
  const rank = shape.length;
  d.one([
    () => d.add("Flatten", [x], { axis: d.between(-rank, rank) }),
    () => d.add("Squeeze", [x]),
    () => d.add("Unsqueeze", [x, d.ints([d.between(0, rank)])]),
    () => d.add("Identity", [x]),
    () => d.add("Dropout", [x]),
  ])();
};

const pad: Maker = (d, x, shape) => {
  const pads = [...shape, ...shape].map(() => (d.below(2) ? 0 : d.between(-1, 2)));
  d.add("Pad", d.below(2) ? [x, d.ints(pads)] : [x, d.ints(pads), d.like(d.type(x), [])]);
};

const spread: Maker = (d, x, shape) => {
  if (d.below(2)) d.add("Tile", [x, d.ints(shape.map(() => d.between(1, 2)))]);
  else d.add("Expand", [x, d.ints([d.between(1, 2), ...shape.map((n) => (n === 1 ? d.between(1, 3) : d.one([1, n])))])]);
};

const gather: Maker = (d, x, shape) => {
  if (shape.length === 0) return;
  const axis = axisOf(d, shape);
  const n = shape.at(axis)!;
  if (n === 0) return;
  const picks = Array.from({ length: d.between(1, 4) }, () => d.between(-n, n - 1));
  d.add("Gather", [x, d.below(3) ? d.ints(picks) : d.constant(i64([picks[0]], []))], { axis });
};

const layernorm: Maker = (d, x, shape) => {
  if (shape.length === 0) return;
  const axis = d.below(3) ? -1 : axisOf(d, shape);
  const row = shape.slice(axis);
  const inputs = [x, d.reals(row), ...(d.below(2) ? [d.reals(row)] : [])];
  d.add("LayerNormalization", inputs, { axis, epsilon: 0.1 });
};

const clip: Maker = (d, x) => {
  d.add("Clip", d.one([[x, d.constant(f32([-0.5], [])), d.constant(f32([0.75], []))], [x, "", d.constant(f32([0.25], []))], [x]]));
};

const average: Maker = (d, x) => void d.add("GlobalAveragePool", [x]);

const of = (types: readonly DType[], makers: readonly Maker[]) => makers.map((make) => [types, make] as const);

const MAKERS = [
  ...of(REALS, [conv, conv, conv, conv, pool, pool, batchnorm, batchnorm, average]),
  ...of(REALS, [matmul, matmul, gemm, attention, layernorm, softmax, reduce]),
  ...of(REALS, [unary, unary, unary, clip, binary, binary, binary, prelu, variadic, select, mask]),
  ...of(ANY, [concat, split, slice, transpose, transpose, reshape, reshape, shaping, pad, spread, gather]),
  ...of(WHOLE, INTEGER_MAKERS),
  ...of(["bool"], BOOL_MAKERS),
  ...of(REALS, SUBGRAPH_MAKERS),
];

/** The graph that a recipe makes; all that is left unread is put out, and the choices of `outputs` as well. */
export function graphOf({ inputs, steps, outputs }: Recipe): Graph {
  const d = new Draft();
  for (const type of inputs) d.input(type);
  for (const { op, picks } of steps) {
    d.choose(picks);
    const [types, make] = MAKERS[op % MAKERS.length];
    const x = d.valueOf(types);
    if (x) make(d, x, d.shape(x));
  }
  const read = new Set(d.nodes.flatMap((node) => node.inputs));
  const ends = d.nodes.flatMap((node) => node.outputs).filter((value) => !read.has(value));
  const reals = [...d.constants].flatMap(([name, { dtype }]) => (dtype === "f32" ? [name] : []));
  const any = [...d.values, ...reals];
  const chosen = outputs.map((n) => any[n % any.length]);
  return inferTypes({
    name: "random",
    inputs: d.inputs,
    outputs: [...new Set([...ends, ...chosen, ...(ends.length + chosen.length ? [] : [d.values[0]])])],
    nodes: d.nodes,
    constants: d.constants,
    types: d.types,
  });
}
