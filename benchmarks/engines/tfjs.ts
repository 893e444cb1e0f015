/**
 * TensorFlow.js on its wasm backend, one thread: a net told operator by operator, from the graph that passes have given channels last, biases and
 * activations to, as its converter does too.
 */
import { fileURLToPath } from "node:url";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { normalizeAxis, type Tensor } from "../../src/tensor/index.ts";
import { ROOT } from "../fashion-mnist.ts";
import { importPeer } from "../peers.ts";
import type { Engine, Feed } from "./engine.ts";

const FOLDER = "benchmarks/peers";

interface Value {
  dataSync(): Float32Array;
}

/** What is used of @tensorflow/tfjs-core, which is installed only where the benchmark runs. */
interface TensorFlow {
  readonly fused: Readonly<Record<"conv2d" | "depthwiseConv2d" | "matMul", (operands: object) => Value>>;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<T>(run: () => T): T;
  tensor(data: ArrayLike<number>, shape: readonly number[], dtype?: string): Value;
  transpose(x: Value, perm: readonly number[]): Value;
  reshape(x: Value, shape: readonly number[]): Value;
  mean(x: Value, axes: readonly number[], keepDims: boolean): Value;
  maxPool(x: Value, size: readonly number[], strides: readonly number[], pad: readonly (readonly number[])[]): Value;
  concat(values: readonly Value[], axis: number): Value;
  softmax(x: Value, axis: number): Value;
  add(...operands: Value[]): Value;
  mul(...operands: Value[]): Value;
  div(...operands: Value[]): Value;
  sigmoid(...operands: Value[]): Value;
  relu(...operands: Value[]): Value;
  relu6(...operands: Value[]): Value;
}

interface WasmBackend {
  setWasmPaths(folder: string): void;
  setThreadsCount(count: number): void;
}

let imported: Promise<TensorFlow> | undefined;

async function tensorflow(): Promise<TensorFlow> {
  imported ??= (async () => {
    const { default: tf } = await importPeer<{ default: TensorFlow }>(FOLDER, "@tensorflow/tfjs-core");
    const { default: wasm } = await importPeer<{ default: WasmBackend }>(FOLDER, "@tensorflow/tfjs-backend-wasm");
    wasm.setWasmPaths(fileURLToPath(new URL(`${FOLDER}/node_modules/@tensorflow/tfjs-backend-wasm/dist/`, ROOT)));
    wasm.setThreadsCount(1);
    await tf.setBackend("wasm");
    await tf.ready();
    return tf;
  })();
  return imported;
}

/** What an operator is made of. */
interface Step {
  readonly tf: TensorFlow;
  readonly node: Node;
  readonly graph: Graph;
  readonly constant: (input: number) => Tensor | undefined;
}

/** Makes an operator ready; what it gives runs it on its inputs. */
type Rule = (step: Step) => (inputs: readonly Value[]) => Value;

class Inexpressible extends Error {}

/** Attributes of a convolution or a pool. */
interface Window {
  readonly kernel_shape: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations?: readonly number[];
  readonly group: number;
  readonly layout: string;
  readonly ceil_mode: number;
}

type Activation = "linear" | "relu" | "relu6";

function activationOf({ attrs: { min, max } }: Node): Activation | undefined {
  if (min === Number.NEGATIVE_INFINITY && max === Number.POSITIVE_INFINITY) return "linear";
  if (min === 0 && max === Number.POSITIVE_INFINITY) return "relu";
  return min === 0 && max === 6 ? "relu6" : undefined;
}

/** Activations that a fused operator takes; others are refused. */
function fused(node: Node): Activation {
  const activation = activationOf(node);
  if (!activation) throw new Inexpressible(`${node.op} with an activation from ${node.attrs.min} to ${node.attrs.max}`);
  return activation;
}

const padding = ([top, left, bottom, right]: readonly number[]) => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

const conv: Rule = ({ tf, node, graph, constant }) => {
  const [weights, bias] = [constant(1), constant(2)];
  const { strides, pads, dilations, group, layout } = node.attrs as unknown as Window;
  if (layout !== "NHWC" || !weights) throw new Inexpressible("a convolution of channels first, or with computed weights");
  const channels = graph.types.get(node.inputs[0])!.shape[3];
  const depthwise = group > 1;
  if (depthwise && (group !== channels || weights.shape[0] !== channels)) throw new Inexpressible(`a convolution of ${group} groups`);
  const perm = depthwise ? [2, 3, 0, 1] : [2, 3, 1, 0];
  const options = {
    filter: tf.transpose(tf.tensor(weights.data, weights.shape), perm),
    strides,
    pad: padding(pads),
    dilations: dilations ?? [1, 1],
    activation: fused(node),
    ...(bias && { bias: tf.tensor(bias.data, [bias.data.length]) }),
  };
  const run = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
  return ([x]) => run({ x, ...options });
};

const matmul: Rule = ({ tf, node, constant }) => {
  const bias = constant(2);
  const options = { activation: fused(node), ...(bias && { bias: tf.tensor(bias.data, [bias.data.length]) }) };
  return ([a, b]) => tf.fused.matMul({ a, b, ...options });
};

const sum: Rule = ({ tf, node }) => {
  const activation = fused(node);
  return ([a, b]) => (activation === "linear" ? tf.add(a, b) : tf[activation](tf.add(a, b)));
};

const maxPool: Rule = ({ tf, node }) => {
  const { kernel_shape, strides, pads, layout, ceil_mode } = node.attrs as unknown as Window;
  if (layout !== "NHWC" || ceil_mode) throw new Inexpressible("a pool of channels first, or with its last windows cut");
  return ([x]) => tf.maxPool(x, kernel_shape, strides, padding(pads));
};

const plain =
  (name: "mul" | "div" | "sigmoid" | "relu"): Rule =>
  ({ tf }) =>
  (inputs) =>
    tf[name](...inputs);

const OPERATORS: Readonly<Record<string, Rule>> = {
  Conv: conv,
  MatMul: matmul,
  Add: sum,
  Mul: plain("mul"),
  Div: plain("div"),
  Sigmoid: plain("sigmoid"),
  Relu: plain("relu"),
  MaxPool: maxPool,
  GlobalAveragePool: ({ tf, node }) => {
    if (node.attrs.layout !== "NHWC") throw new Inexpressible("a pool of channels first");
    return ([x]) => tf.mean(x, [1, 2], true);
  },
  Concat: ({ tf, node, graph }) => {
    const axis = normalizeAxis(node.attrs.axis as number, graph.types.get(node.outputs[0])!.shape.length);
    return (inputs) => tf.concat(inputs, axis);
  },
  Transpose: ({ tf, node }) => {
    const perm = node.attrs.perm as number[];
    return ([x]) => tf.transpose(x, perm);
  },
  Reshape: ({ tf, node, graph }) => {
    const { shape } = graph.types.get(node.outputs[0])!;
    return ([x]) => tf.reshape(x, shape);
  },
  Softmax: ({ tf, node, graph }) => {
    const axis = normalizeAxis(node.attrs.axis as number, graph.types.get(node.inputs[0])!.shape.length);
    return ([x]) => tf.softmax(x, axis);
  },
};

/** A net in f32 (`optimize`d), or the reason why TensorFlow.js has no operator of its own for a node. */
export async function tfjsEngine(graph: Graph, feeds: readonly Feed[]): Promise<Engine | { readonly refused: string }> {
  const missing = [...new Set(graph.nodes.flatMap(({ op }) => (op in OPERATORS ? [] : [op])))];
  if (missing.length) return { refused: `no operator for ${missing.join(", ")}` };
  const tf = await tensorflow();
  const constants = new Map<string, Value>();
  for (const [name, { data, dtype, shape }] of graph.constants) if (dtype === "f32") constants.set(name, tf.tensor(data, shape));
  let steps: { readonly node: Node; readonly run: ReturnType<Rule> }[];
  try {
    steps = graph.nodes.map((node) => {
      const constant = (input: number): Tensor | undefined => graph.constants.get(node.inputs[input] ?? "");
      return { node, run: OPERATORS[node.op]({ tf, node, graph, constant }) };
    });
  } catch (error) {
    if (!(error instanceof Inexpressible)) throw error;
    return { refused: error.message };
  }
  const infer = (): Float32Array[] =>
    tf.tidy(() => {
      const values = new Map(constants);
      for (const { name, data, shape } of feeds) values.set(name, tf.tensor(data, shape, "float32"));
      for (const { node, run } of steps) values.set(node.outputs[0], run(node.inputs.map((input) => values.get(input)!)));
      return graph.outputs.map((output) => values.get(output)!.dataSync());
    });
  return { run: infer, read: (answer) => answer as Float32Array[] };
}
