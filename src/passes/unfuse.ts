import { freshNames } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { elementCount, f32, i64, normalizeAxis, type Shape, type Tensor } from "../tensor/index.ts";
import { hasActivation } from "./match.ts";

/** What parts are written with: each method returns the value that it adds. */
interface Parts {
  readonly node: Node;
  shape(value: string): Shape;
  /** The last operator of a node writes its output. */
  add(op: string, inputs: readonly string[], attrs?: Node["attrs"], outputs?: readonly string[]): string;
  constant(what: string, value: Tensor): string;
}

const scalar = (parts: Parts, what: string, value: number): string => parts.constant(what, f32([value], []));

function gelu(parts: Parts): void {
  const {
    inputs: [x],
    outputs,
  } = parts.node;
  const erf = parts.add("Erf", [parts.add("Mul", [x, scalar(parts, "factor", Math.SQRT1_2)])]);
  const product = parts.add("Mul", [x, parts.add("Add", [erf, scalar(parts, "one", 1)])]);
  parts.add("Mul", [product, scalar(parts, "half", 0.5)], {}, outputs);
}

function swish(parts: Parts): void {
  const {
    inputs: [x],
    outputs,
    attrs,
  } = parts.node;
  const argument = attrs.alpha === 1 ? x : parts.add("Mul", [x, scalar(parts, "alpha", attrs.alpha as number)]);
  parts.add("Mul", [x, parts.add("Sigmoid", [argument])], {}, outputs);
}

function rmsNormalization(parts: Parts): void {
  const {
    inputs: [x, scale],
    outputs,
    attrs,
  } = parts.node;
  const rank = parts.shape(x).length;
  const first = normalizeAxis(attrs.axis as number, rank);
  const axes = Array.from({ length: rank - first }, (_, i) => first + i);
  const square = parts.add("ReduceMean", [parts.add("Mul", [x, x])], { axes, keepdims: 1 });
  const root = parts.add("Sqrt", [parts.add("Add", [square, scalar(parts, "epsilon", attrs.epsilon as number)])]);
  parts.add("Mul", [parts.add("Div", [x, root]), scale], {}, outputs);
}

/** Heads before tokens, keys and values of a group repeated for each of its heads. */
function attention(parts: Parts): void {
  const {
    inputs: [q, k, v, mask],
    outputs,
    attrs,
  } = parts.node;
  const [batch, , heads] = parts.shape(q);
  const [, n, shared] = parts.shape(k);
  const repeated = (x: string, perm: readonly number[]): string => {
    const turned = (value: string) => parts.add("Transpose", [value], { perm });
    if (heads === shared || shared === 1) return turned(x);
    const size = parts.shape(x)[3];
    const apart = parts.add("Reshape", [x, parts.constant("apart", i64([batch, n, shared, 1, size]))]);
    const spread = parts.add("Expand", [apart, parts.constant("spread", i64([batch, n, shared, heads / shared, size]))]);
    return turned(parts.add("Reshape", [spread, parts.constant("heads", i64([batch, n, heads, size]))]));
  };
  const product = parts.add("MatMul", [parts.add("Transpose", [q], { perm: [0, 2, 1, 3] }), repeated(k, [0, 2, 3, 1])]);
  const scaled = parts.add("Mul", [product, scalar(parts, "scale", attrs.scale as number)]);
  const weights = parts.add("Softmax", [mask ? parts.add("Add", [scaled, mask]) : scaled], { axis: -1 });
  parts.add("Transpose", [parts.add("MatMul", [weights, repeated(v, [0, 2, 1, 3])])], { perm: [0, 2, 1, 3] }, outputs);
}

function biased(parts: Parts): void {
  const {
    inputs: [a, b, c],
    outputs,
  } = parts.node;
  if ([a, b].every((input) => parts.shape(input).length === 2)) parts.add("Gemm", [a, b, c], {}, outputs);
  else parts.add("Add", [parts.add("MatMul", [a, b]), c], {}, outputs);
}

function coerced(parts: Parts): void {
  const {
    op,
    inputs: [x],
    outputs,
    attrs,
  } = parts.node;
  const shape = parts.shape(x);
  const axis = normalizeAxis(attrs.axis as number, shape.length);
  const rows = i64([elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))]);
  const softmax = parts.add(op, [parts.add("Reshape", [x, parts.constant("rows", rows)])], { axis: 1 });
  parts.add("Reshape", [softmax, parts.constant("shape", i64(shape))], {}, outputs);
}

/** What passes write and ONNX (opset 17) has not: which nodes it is, and their parts. */
const FORMS: readonly (readonly [when: (node: Node) => boolean, parts: (parts: Parts) => void])[] = [
  [({ op, inputs }) => op === "MatMul" && inputs.length === 3, biased],
  [({ attrs }) => attrs.coerce === 1, coerced],
  [({ op, attrs }) => op === "Gelu" && attrs.approximate === "none", gelu],
  [({ op }) => op === "Swish", swish],
  [({ op }) => op === "RMSNormalization", rmsNormalization],
  [({ op }) => op === "ScaledDotProductAttention", attention],
];

/** Activations, biases of MatMul, Gelu, attention, Softmax over several axes … as operators that ONNX has. */
export function unfuse(graph: Graph): Graph {
  const fresh = freshNames(graph);
  const constants = new Map(graph.constants);
  const nodes: Node[] = [];
  const partsOf = (node: Node): Parts => ({
    node,
    shape: (value) => graph.types.get(value)!.shape,
    add: (op, inputs, attrs, outputs) => {
      const name = fresh(`${node.outputs[0]}/${op}`);
      nodes.push(makeNode({ op, name, inputs, outputs: outputs ?? [name], attrs }));
      return nodes.at(-1)!.outputs[0];
    },
    constant: (what, value) => {
      const name = fresh(`${node.outputs[0]}.${what}`);
      constants.set(name, value);
      return name;
    },
  });
  const write = (node: Node): void => {
    if (hasActivation(node)) {
      const { min, max } = node.attrs as Record<string, number>;
      const inner = fresh(`${node.outputs[0]}.linear`);
      write({ ...node, outputs: [inner], attrs: { ...node.attrs, min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY } });
      const parts = partsOf(node);
      const bounds = [min, max].map((bound) => (Number.isFinite(bound) ? scalar(parts, "bound", bound) : ""));
      if (min === 0 && max === Number.POSITIVE_INFINITY) parts.add("Relu", [inner], {}, node.outputs);
      else parts.add("Clip", [inner, ...bounds], {}, node.outputs);
      return;
    }
    const form = FORMS.find(([when]) => when(node));
    if (form) form[1](partsOf(node));
    else nodes.push(node);
  };
  for (const node of graph.nodes) write(node);
  return { ...graph, nodes, constants };
}
