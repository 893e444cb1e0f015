/** Operators in which onnxruntime's optimizer joins others; each is defined by the ones that it joins. */
import { f32, i64 } from "../tensor/index.ts";
import { attr, type Decomposition, wave } from "./define.ts";
import { defineFunction } from "./function.ts";

const { float, floats, int, ints, string } = attr;

/** Activations that a fused layer may end in, and their parameters in the order in which the layer has them. */
const ACTIVATIONS: Readonly<Record<string, readonly string[]>> = {
  Relu: [],
  Tanh: [],
  Sigmoid: [],
  LeakyRelu: ["alpha"],
  HardSigmoid: ["alpha", "beta"],
};

function activate(parts: Decomposition, x: string, name: string, parameters: readonly number[]): void {
  const { outputs } = parts.node;
  if (name === "Clip") {
    const bounds = parameters.slice(0, 2).map((bound) => parts.value(f32([bound], [])));
    parts.add("Clip", [x, ...bounds], {}, outputs);
    return;
  }
  const keys = ACTIVATIONS[name];
  if (!keys) throw new RangeError(`the fused activation ${name} is not supported`);
  const given = keys.flatMap((key, i): [string, number][] => (parameters[i] === undefined ? [] : [[key, parameters[i]]]));
  parts.add(name, [x], Object.fromEntries(given), outputs);
}

const CONV_ATTRS = { auto_pad: string("NOTSET"), dilations: ints(), group: int(1), kernel_shape: ints(), pads: ints(), strides: ints() };

/** Conv, then the sum with a fourth input, then an activation. */
export const FusedConv = defineFunction({
  domain: "com.microsoft",
  attrs: { ...CONV_ATTRS, activation: string(""), activation_params: floats([]) },
  arity: [2, 4],
  tolerance: 1e-5,
  body(parts) {
    const { activation, activation_params, ...attrs } = parts.node.attrs;
    const [x, w, b = "", sum] = parts.node.inputs;
    const bare = activation === "" && !sum;
    const conv = parts.add("Conv", [x, w, b], attrs, bare ? parts.node.outputs : undefined);
    if (bare) return;
    if (activation === "") parts.add("Add", [conv, sum], {}, parts.node.outputs);
    else activate(parts, sum ? parts.add("Add", [conv, sum]) : conv, activation as string, activation_params as readonly number[]);
  },
  cases: [
    { name: "Relu", inputs: [wave([1, 2, 4, 4]), wave([3, 2, 3, 3], 2), wave([3], 3)], attrs: { activation: "Relu" }, constants: [1, 2] },
    {
      name: "a sum, then LeakyRelu",
      inputs: [wave([1, 2, 4, 4]), wave([3, 2, 1, 1], 2), wave([3], 3), wave([1, 3, 4, 4], 4)],
      attrs: { activation: "LeakyRelu", activation_params: [0.2] },
      constants: [1, 2],
    },
    {
      name: "Clip",
      inputs: [wave([1, 2, 4, 4]), wave([3, 2, 1, 1], 2)],
      attrs: { activation: "Clip", activation_params: [-0.5, 0.5] },
      constants: [1],
    },
  ],
});

export const FusedGemm = defineFunction({
  domain: "com.microsoft",
  attrs: {
    alpha: float(1),
    beta: float(1),
    transA: int(0),
    transB: int(0),
    activation: attr.required(string()),
    activation_alpha: float(),
    activation_beta: float(),
    activation_gamma: float(),
  },
  arity: [2, 3],
  tolerance: 1e-5,
  body(parts) {
    const { activation, activation_alpha, activation_beta, activation_gamma, ...attrs } = parts.node.attrs;
    const parameters = [activation_alpha, activation_beta, activation_gamma].filter((p) => p !== undefined);
    activate(parts, parts.add("Gemm", parts.node.inputs, attrs), activation as string, parameters as number[]);
  },
  cases: [
    { name: "Relu", inputs: [wave([3, 5]), wave([5, 4], 2), wave([4], 3)], attrs: { activation: "Relu" }, constants: [1, 2] },
    {
      name: "LeakyRelu",
      inputs: [wave([3, 5]), wave([4, 5], 2)],
      attrs: { activation: "LeakyRelu", activation_alpha: 0.3, transB: 1 },
      constants: [1],
    },
  ],
});

/** α · A′ · B′ over stacks of matrices. */
export const FusedMatMul = defineFunction({
  domain: "com.microsoft",
  attrs: { alpha: float(1), transA: int(0), transB: int(0), transBatchA: int(0), transBatchB: int(0) },
  arity: [2, 2],
  tolerance: 1e-5,
  body(parts) {
    const { alpha, transA, transB, transBatchA, transBatchB } = parts.node.attrs as Record<string, number>;
    if (transBatchA || transBatchB) throw new RangeError("transBatchA and transBatchB are not supported");
    const [a, b] = parts.node.inputs;
    const operands = [turned(parts, a, transA), turned(parts, b, transB)];
    if (alpha === 1) parts.add("MatMul", operands, {}, parts.node.outputs);
    else parts.add("Mul", [parts.add("MatMul", operands), parts.value(f32([alpha], []))], {}, parts.node.outputs);
  },
  cases: [
    { name: "transB and a factor", inputs: [wave([2, 3, 5]), wave([2, 4, 5], 2)], attrs: { transB: 1, alpha: 0.25 } },
    { name: "transA", inputs: [wave([5, 3]), wave([5, 4], 2)], attrs: { transA: 1 }, constants: [1] },
  ],
});

/** A matrix, or stack of matrices, with its last two axes exchanged where `yes`; a vector has none to exchange. */
function turned(parts: Decomposition, value: string, yes: number): string {
  const rank = parts.type(value).shape.length;
  if (!yes || rank < 2) return value;
  return parts.add("Transpose", [value], { perm: [...Array(rank - 2).keys(), rank - 1, rank - 2] });
}

const EPSILON = { epsilon: float(1e-12) };

/** The sum of input, skip and an optional bias; the node's fourth output. */
function skipSum(parts: Decomposition, bias: string | undefined): string {
  const [input, skip] = parts.node.inputs;
  const given = parts.node.outputs[3];
  const outputs = given ? [given] : undefined;
  if (!bias) return parts.add("Add", [input, skip], {}, outputs);
  return parts.add("Add", [parts.add("Add", [input, skip]), bias], {}, outputs);
}

/** Layer normalization of input + skip + bias; gives the sum out as well. */
export const SkipLayerNormalization = defineFunction({
  domain: "com.microsoft",
  attrs: EPSILON,
  arity: [3, 5],
  tolerance: 1e-5,
  body(parts) {
    const { node } = parts;
    const [, , gamma, beta = "", bias] = node.inputs;
    const sum = skipSum(parts, bias);
    parts.add("LayerNormalization", [sum, gamma, beta], { axis: -1, epsilon: node.attrs.epsilon }, node.outputs.slice(0, 1));
    statistics(parts, sum, true);
  },
  cases: [
    {
      name: "the sum as well",
      inputs: [wave([2, 3, 8]), wave([2, 3, 8], 2), wave([8], 3), wave([8], 4), wave([8], 5)],
      constants: [2, 3, 4],
      outputs: 4,
    },
    { name: "no bias", inputs: [wave([2, 3, 8]), wave([2, 3, 8], 2), wave([8], 3), wave([8], 4)], constants: [2, 3] },
  ],
});

/** Outputs 1 and 2 of a normalization along the last axis: the mean, and the inverse of the deviation from it (or from 0). */
function statistics(parts: Decomposition, sum: string, centred: boolean): void {
  const [, mean, deviation] = parts.node.outputs;
  if (!mean) return;
  const average = parts.add("ReduceMean", [sum], { axes: [-1] }, [mean]);
  if (!deviation) return;
  parts.add("Reciprocal", [rootMeanSquare(parts, centred ? parts.add("Sub", [sum, average]) : sum)], {}, [deviation]);
}

function rootMeanSquare(parts: Decomposition, x: string): string {
  const mean = parts.add("ReduceMean", [parts.add("Mul", [x, x])], { axes: [-1] });
  return parts.add("Sqrt", [parts.add("Add", [mean, parts.value(f32([parts.node.attrs.epsilon as number], []))])]);
}

function byRootMeanSquare(parts: Decomposition, x: string, gamma: string): void {
  parts.add("RMSNormalization", [x, gamma], { epsilon: parts.node.attrs.epsilon }, parts.node.outputs.slice(0, 1));
}

/** Normalization by the root of the mean square along the last axis, of input + skip + bias. */
export const SkipSimplifiedLayerNormalization = defineFunction({
  domain: "com.microsoft",
  attrs: EPSILON,
  arity: [3, 4],
  tolerance: 1e-5,
  body(parts) {
    const [, , gamma, bias] = parts.node.inputs;
    const sum = skipSum(parts, bias);
    byRootMeanSquare(parts, sum, gamma);
    statistics(parts, sum, false);
  },
  cases: [{ name: "the sum as well", inputs: [wave([2, 3, 8]), wave([2, 3, 8], 2), wave([8], 3)], constants: [2], outputs: 4 }],
});

/** The same of one input, which onnxruntime writes into ONNX's own domain. */
export const SimplifiedLayerNormalization = defineFunction({
  attrs: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  arity: [2, 2],
  tolerance: 1e-5,
  body(parts) {
    const [x, gamma] = parts.node.inputs;
    const { axis } = parts.node.attrs;
    if (axis !== -1 && axis !== parts.type(x).shape.length - 1) throw new RangeError("only the last axis is supported");
    if (parts.node.outputs.length > 1) throw new RangeError("the output of the deviation is not supported");
    byRootMeanSquare(parts, x, gamma);
  },
  cases: [{ name: "rows", inputs: [wave([2, 3, 8]), wave([8], 3)], constants: [1] }],
});

/** Sum of word, position and segment embeddings, normalized; the second output counts the tokens that the mask lets through. */
export const EmbedLayerNormalization = defineFunction({
  domain: "com.microsoft",
  attrs: { ...EPSILON, mask_index_type: int(1) },
  arity: [6, 9],
  tolerance: 1e-5,
  body(parts) {
    const { node } = parts;
    const [ids, segments, words, positions, segmentTable, gamma, beta = "", mask, places] = node.inputs;
    const [batch, length] = parts.type(ids).shape;
    const place = places || parts.value(i64(Array.from({ length }, (_, i) => i)));
    let sum = parts.add("Add", [parts.add("Gather", [words, ids], { axis: 0 }), parts.add("Gather", [positions, place], { axis: 0 })]);
    if (segments && segmentTable) sum = parts.add("Add", [sum, parts.add("Gather", [segmentTable, segments], { axis: 0 })]);
    parts.add("LayerNormalization", [sum, gamma, beta], { axis: -1, epsilon: node.attrs.epsilon }, node.outputs.slice(0, 1));
    const [, counts, total] = node.outputs;
    if (total) parts.add("Identity", [sum], {}, [total]);
    if (!counts) return;
    const kept = mask || parts.value({ dtype: "i32", shape: [batch, length], data: new Int32Array(batch * length) });
    const real = parts.add("ReduceSum", [parts.add("Cast", [kept], { to: 1 })], { axes: [1], keepdims: 0 });
    parts.add("Cast", [real], { to: 6 }, [counts]);
  },
  cases: [
    {
      name: "segments and a mask",
      inputs: [
        { dtype: "i32", shape: [2, 3], data: Int32Array.of(1, 0, 4, 3, 2, 2) },
        { dtype: "i32", shape: [2, 3], data: Int32Array.of(0, 0, 1, 1, 0, 1) },
        wave([5, 8]),
        wave([4, 8], 2),
        wave([2, 8], 3),
        wave([8], 4),
        wave([8], 5),
        { dtype: "i32", shape: [2, 3], data: Int32Array.of(1, 1, 0, 1, 1, 1) },
      ],
      constants: [2, 3, 4, 5, 6],
      outputs: 2,
    },
  ],
});
