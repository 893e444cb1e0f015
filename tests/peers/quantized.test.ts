/** Models that come quantized, and onnxruntime's own operators, against onnxruntime-web: within one step of the output's grid, or of f32 rounding. */
import { beforeAll, describe, expect, it } from "vitest";
import { build, load } from "../../src/index.ts";
import { MODEL } from "../../src/onnx/schema.ts";
import { writeTensor } from "../../src/onnx/tensor.ts";
import { encode } from "../../src/onnx/wire.ts";
import { f32, type Tensor, tensor } from "../../src/tensor/index.ts";
import { random } from "../graph/build.ts";
import { node, value } from "../onnx/model.ts";

type Attrs = Parameters<typeof node>[3];
type Step = readonly [op: string, inputs: string, outputs: string, attrs?: Attrs];

interface Model {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly constants: Readonly<Record<string, Tensor>>;
  readonly steps: readonly Step[];
  readonly output: string;
  readonly outputType?: number;
}

const CODES = { f32: 1, u8: 2, i8: 3, i32: 6, i64: 7, bool: 9 } as const;

/** Operators that a step writes as `ms:Name` are of com.microsoft. */
function bytesOf({ inputs, constants, steps, output, outputType = 1 }: Model): Uint8Array {
  const nodes = steps.map(([op, reads, writes, attrs]) => {
    const contrib = op.startsWith("ms:");
    return { ...node(op.replace("ms:", ""), reads, writes, attrs, writes), ...(contrib && { domain: "com.microsoft" }) };
  });
  return encode(MODEL, {
    irVersion: 8,
    producerName: "test",
    opsetImport: [
      { domain: "", version: 17 },
      { domain: "com.microsoft", version: 1 },
    ],
    graph: {
      name: "g",
      node: nodes,
      input: Object.entries(inputs).map(([name, { dtype, shape }]) => value(name, shape, CODES[dtype])),
      output: [value(output, undefined, outputType)],
      initializer: Object.entries(constants).map(([name, data]) => writeTensor(name, data)),
    },
  });
}

type Ort = typeof import("onnxruntime-web");
const NAMES = { f32: "float32", u8: "uint8", i8: "int8", i32: "int32", i64: "int64", bool: "bool" } as const;

async function compare(ort: Ort, model: Model, step: number): Promise<void> {
  const bytes = bytesOf(model);
  const session = await ort.InferenceSession.create(bytes);
  const { epk } = await build(bytes, { weights: "f32" });
  using loaded = await load(epk);
  const feeds = Object.entries(model.inputs).map(([name, { dtype, shape, data }]) => [
    name,
    new ort.Tensor(NAMES[dtype] as "float32", data as Float32Array, shape),
  ]);
  const wanted = (await session.run(Object.fromEntries(feeds)))[model.output].data as Float32Array;
  const given = Object.fromEntries(Object.entries(model.inputs).map(([name, { data }]) => [name, data as Float32Array]));
  const actual = loaded.run(given)[model.output] as Float32Array;
  expect(actual.length).toBe(wanted.length);
  const apart = Array.from(wanted, (v, i) => Math.abs(v - actual[i]));
  expect(new Set(wanted).size, "values that onnxruntime gives").toBeGreaterThan(3);
  expect(Math.max(...apart)).toBeLessThanOrEqual(step * 1.001);
}

const ints = (shape: readonly number[], seed: number, dtype: "i8" | "u8" = "i8", span = 127): Tensor => {
  const offset = dtype === "u8" ? 128 : 0;
  return tensor(
    dtype,
    Array.from(random(shape, seed).data, (v) => Math.round(v * span) + offset),
    shape,
  );
};
const scalar = (v: number): Tensor => f32([v], []);
const spread = (n: number, base: number): Tensor => f32(Array.from({ length: n }, (_, i) => base * (1 + (i % 5) / 7)));

/** Scale and zero point of a grid, as `<name>s` and `<name>z`; a signed grid of the same reals has 128 less. */
const grids = (signed: boolean, table: Readonly<Record<string, readonly [scale: number, zero: number]>>): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(table).flatMap(([name, [s, z]]) => [
      [`${name}s`, scalar(s)],
      [`${name}z`, tensor(signed ? "i8" : "u8", [signed ? z - 128 : z], [])],
    ]),
  );

const pair = (value: string, grid: string): Step[] => [
  ["QuantizeLinear", `${value} ${grid}s ${grid}z`, `${value}_q`],
  ["DequantizeLinear", `${value}_q ${grid}s ${grid}z`, `${value}_d`],
];

const weights = (name: string, shape: readonly number[], seed: number, base: number): Record<string, Tensor> => ({
  [name]: ints(shape, seed),
  [`${name}s`]: spread(shape[0], base),
  [`${name}z`]: tensor("i8", new Array<number>(shape[0]).fill(0)),
});

/** i32 biases, and their scales: input scale times weight scale. */
const biases = (name: string, n: number, base: number, input: number): Record<string, Tensor> => ({
  [name]: tensor(
    "i32",
    Array.from(random([n], n).data, (v) => Math.round(v * 3000)),
  ),
  [`${name}s`]: f32(Array.from(spread(n, base).data, (s) => Math.fround(s * Math.fround(input)))),
  [`${name}z`]: tensor("i32", new Array<number>(n).fill(0)),
});

const TABLE = {
  x: [0.0079, 126],
  c: [0.021, 0],
  d: [0.0235, 0],
  a: [0.04, 3],
  g: [0.012, 0],
  f: [0.05, 128],
  o: [0.5, 128],
  s: [1 / 256, 0],
} as const;

const pairs = (signed: boolean): Model => ({
  inputs: { x: random([1, 3, 12, 12], 7) },
  constants: {
    ...grids(signed, TABLE),
    ...weights("w1", [16, 3, 3, 3], 1, 0.006),
    ...biases("b1", 16, 0.006, TABLE.x[0]),
    ...weights("w2", [16, 1, 3, 3], 2, 0.004),
    ...weights("w3", [10, 16], 3, 0.02),
    ...biases("b3", 10, 0.02, TABLE.g[0]),
    ...{ lo: scalar(0), hi: scalar(6) },
  },
  steps: [
    ...pair("x", "x"),
    ["DequantizeLinear", "w1 w1s w1z", "w1_d", { axis: 0 }],
    ["DequantizeLinear", "b1 b1s b1z", "b1_d", { axis: 0 }],
    ["Conv", "x_d w1_d b1_d", "c1", { pads: [1, 1, 1, 1], strides: [2, 2] }],
    ["Relu", "c1", "r1"],
    ...pair("r1", "c"),
    ["DequantizeLinear", "w2 w2s w2z", "w2_d", { axis: 0 }],
    ["Conv", "r1_d w2_d", "c2", { pads: [1, 1, 1, 1], group: 16 }],
    ["Clip", "c2 lo hi", "r2"],
    ...pair("r2", "d"),
    ["Add", "r1_d r2_d", "sum"],
    ...pair("sum", "a"),
    ["MaxPool", "sum_d", "max", { kernel_shape: [2, 2], strides: [2, 2] }],
    ...pair("max", "a"),
    ["GlobalAveragePool", "max_d", "mean"],
    ...pair("mean", "g"),
    ["Flatten", "mean_d", "flat"],
    ...pair("flat", "g"),
    ["DequantizeLinear", "w3 w3s w3z", "w3_d", { axis: 0 }],
    ["DequantizeLinear", "b3 b3s b3z", "b3_d", { axis: 0 }],
    ["Gemm", "flat_d w3_d b3_d", "y", { transB: 1 }],
    ...pair("y", "f"),
  ],
  output: "y_d",
});

/** The same kind of net in operator form: integers in and out. */
const operators = (signed: boolean): Model => ({
  inputs: { x: ints([1, 3, 12, 12], 7, signed ? "i8" : "u8") },
  constants: {
    ...grids(signed, TABLE),
    ...weights("w1", [16, 3, 3, 3], 1, 0.006),
    ...biases("b1", 16, 0.006, TABLE.x[0]),
    ...weights("w3", [10, 32], 3, 0.02),
    ...biases("b3", 10, 0.02, TABLE.a[0]),
  },
  steps: [
    ["QLinearConv", "x xs xz w1 w1s w1z cs cz b1", "c1", { pads: [1, 1, 1, 1], strides: [2, 2] }],
    ["ms:QLinearSigmoid", "c1 cs cz ss sz", "gate"],
    ["ms:QLinearMul", "c1 cs cz gate ss sz ds dz", "swish"],
    ["ms:QLinearAdd", "c1 cs cz swish ds dz as az", "sum"],
    ["MaxPool", "sum", "max", { kernel_shape: [2, 2], strides: [2, 2] }],
    ["ms:QLinearLeakyRelu", "max as az as az", "leaky", { alpha: { f: 0.1 } }],
    ["ms:QLinearConcat", "as az max as az leaky as az", "wide", { axis: 1 }],
    ["ms:QLinearGlobalAveragePool", "wide as az as az", "mean", { channels_last: 0 }],
    ["Flatten", "mean", "flat"],
    ["ms:QGemm", "flat as az w3 w3s w3z b3 os oz", "y", { transB: 1 }],
  ],
  output: "y",
  outputType: signed ? 3 : 2,
});

const dynamic: Model = {
  inputs: { x: random([2, 5, 24], 3) },
  constants: {
    w: ints([24, 10], 4, "i8", 100),
    ws: scalar(0.01),
    wz: tensor("i8", [0], []),
    b: random([10], 5),
  },
  steps: [
    ["DynamicQuantizeLinear", "x", "xq xs xz"],
    ["MatMulInteger", "xq w xz wz", "acc"],
    ["Cast", "acc", "real", { to: 1 }],
    ["Mul", "xs ws", "scale"],
    ["Mul", "real scale", "product"],
    ["Add", "product b", "y"],
  ],
  output: "y",
};

const f32Cases: Readonly<Record<string, Model>> = {
  "MatMulInteger that was quantized dynamically": dynamic,
  DynamicQuantizeMatMul: {
    inputs: { x: random([3, 24], 3) },
    constants: { w: ints([24, 10], 4, "i8", 100), ws: scalar(0.01), wz: tensor("i8", [0], []), b: random([10], 5) },
    steps: [["ms:DynamicQuantizeMatMul", "x w ws wz b", "y"]],
    output: "y",
  },
  MatMulIntegerToFloat: {
    inputs: { x: ints([3, 24], 3, "u8") },
    constants: { w: ints([24, 10], 4, "i8", 100), xs: scalar(0.02), ws: spread(10, 0.01), xz: tensor("u8", [120], []), b: random([10], 5) },
    steps: [["ms:MatMulIntegerToFloat", "x w xs ws xz _ b", "y"]],
    output: "y",
  },
  FusedConv: {
    inputs: { x: random([1, 4, 6, 6], 3) },
    constants: { w: random([8, 4, 3, 3], 4), b: random([8], 5) },
    steps: [["ms:FusedConv", "x w b", "y", { activation: "Relu", pads: [1, 1, 1, 1] }]],
    output: "y",
  },
  FusedMatMul: {
    inputs: { x: random([2, 4, 6], 3), z: random([2, 5, 6], 4) },
    constants: {},
    steps: [["ms:FusedMatMul", "x z", "y", { alpha: { f: 0.125 }, transB: 1 }]],
    output: "y",
  },
  FusedGemm: {
    inputs: { x: random([4, 6], 3) },
    constants: { w: random([5, 6], 4), b: random([5], 5) },
    steps: [["ms:FusedGemm", "x w b", "y", { transB: 1, activation: "Relu" }]],
    output: "y",
  },
  SkipLayerNormalization: {
    inputs: { x: random([2, 3, 16], 3), skip: random([2, 3, 16], 4) },
    constants: { gamma: random([16], 5), beta: random([16], 6), bias: random([16], 7) },
    steps: [["ms:SkipLayerNormalization", "x skip gamma beta bias", "y"]],
    output: "y",
  },
  EmbedLayerNormalization: {
    inputs: {
      ids: tensor("i32", [1, 5, 2, 7], [1, 4]),
      seg: tensor("i32", [0, 0, 1, 1], [1, 4]),
      mask: tensor("i32", [1, 1, 1, 0], [1, 4]),
    },
    constants: {
      words: random([9, 16], 1),
      positions: random([6, 16], 2),
      segments: random([2, 16], 3),
      gamma: random([16], 5),
      beta: random([16], 6),
    },
    steps: [["ms:EmbedLayerNormalization", "ids seg words positions segments gamma beta mask", "y count"]],
    output: "y",
  },
  Attention: {
    inputs: { x: random([2, 5, 16], 3), mask: tensor("i32", [1, 1, 1, 1, 0, 1, 1, 0, 0, 0], [2, 5]) },
    constants: { w: random([16, 48], 4), b: random([48], 5) },
    steps: [["ms:Attention", "x w b mask", "y", { num_heads: 4 }]],
    output: "y",
  },
  "Attention, causal": {
    inputs: { x: random([2, 5, 16], 3) },
    constants: { w: random([16, 48], 4), b: random([48], 5) },
    steps: [["ms:Attention", "x w b", "y", { num_heads: 4, unidirectional: 1 }]],
    output: "y",
  },
  MultiHeadAttention: {
    inputs: { q: random([1, 3, 16], 3), k: random([1, 5, 16], 4), v: random([1, 5, 16], 5) },
    constants: { b: random([48], 6) },
    steps: [["ms:MultiHeadAttention", "q k v b", "y", { num_heads: 2 }]],
    output: "y",
  },
  QAttention: {
    inputs: { x: ints([1, 5, 16], 3, "u8") },
    constants: {
      w: ints([16, 48], 4),
      b: random([48], 5),
      xs: scalar(0.01),
      ws: scalar(0.005),
      xz: tensor("u8", [120], []),
      wz: tensor("i8", [0], []),
    },
    steps: [["ms:QAttention", "x w b xs ws _ xz wz", "y", { num_heads: 4 }]],
    output: "y",
  },
  MatMulNBits: {
    inputs: { x: random([3, 40], 3) },
    constants: { w: ints([6, 3, 8], 4, "u8"), s: spread(18, 0.05), z: ints([12], 5, "u8") },
    steps: [["ms:MatMulNBits", "x w s z", "y", { K: 40, N: 6, bits: 4, block_size: 16 }]],
    output: "y",
  },
};

describe("against onnxruntime-web", () => {
  let ort: Ort;
  beforeAll(async () => {
    ort = await import("onnxruntime-web");
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
  });

  for (const signed of [false, true]) {
    const kind = signed ? "int8" : "uint8";
    it(`pairs of QuantizeLinear and DequantizeLinear, ${kind}`, () => compare(ort, pairs(signed), TABLE.f[0]));
    const model = operators(signed);
    for (const [op, , output] of model.steps) it(`operator form up to ${op}, ${kind}`, () => compare(ort, { ...model, output }, 1));
  }
  for (const [name, model] of Object.entries(f32Cases)) it(name, () => compare(ort, model, 1e-4));
});
