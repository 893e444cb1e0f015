import { EdgepackError } from "../errors.ts";
import { type AttrValue, type Graph, type Node, subgraphsOf } from "../graph/graph.ts";
import type { AttrSpec } from "../ops/define.ts";
import { ELEMENT_CODES } from "../ops/element-type.ts";
import { opOf } from "../ops/index.ts";
import type { Tensor, TensorType } from "../tensor/index.ts";
import { FEWER_INPUTS, isIrOnly } from "./ir-only.ts";
import { type ATTRIBUTE, ATTRIBUTE_TYPE, MODEL, type NODE, type VALUE_INFO } from "./schema.ts";
import { STANDARD_OPERATORS } from "./standard.ts";
import { writeTensor } from "./tensor.ts";
import { type Draft, encode } from "./wire.ts";

/** The opset whose forms the IR speaks. */
const OPSET = 17;

/** IR version 8 came with opset 17 (ONNX 1.12). */
const IR_VERSION = 8;

/**
 * A graph as an ONNX model of opset 17, and of com.microsoft where it has operators of that domain. Throws ONNX_UNSUPPORTED with every node that passes have given a form that ONNX has not.
 */
export function writeOnnx(graph: Graph, options: { readonly producer?: string } = {}): Uint8Array {
  const problems = graph.nodes.flatMap(foreign);
  if (problems.length) throw new EdgepackError("ONNX_UNSUPPORTED", "These nodes cannot be written as ONNX:", problems);
  const domains = [...new Set(graph.nodes.flatMap(({ op }) => opOf(op)?.domain ?? []))];
  const model = {
    irVersion: IR_VERSION,
    producerName: options.producer ?? "edgepack",
    graph: {
      node: graph.nodes.map(nodeProto),
      name: graph.name,
      initializer: [...graph.constants].map(([name, tensor]) => writeTensor(name, tensor)),
      input: graph.inputs.map((name) => valueInfo(name, graph.types.get(name))),
      output: graph.outputs.map((name) => valueInfo(name, graph.types.get(name))),
    },
    opsetImport: [{ domain: "", version: OPSET }, ...domains.map((domain) => ({ domain, version: 1 }))],
  };
  return encode(MODEL, model);
}

function foreign(node: Node): string[] {
  const where = `${node.op} ${node.name}`;
  const limit = FEWER_INPUTS.get(node.op);
  const reasons = Object.entries(node.attrs)
    .filter(([key, value]) => isIrOnly(key, opOf(node.op)?.attrs[key]) && value !== opOf(node.op)?.attrs[key]?.default)
    .map(([key]) => `${where}: the attribute ${key} is not ONNX`);
  if (opOf(node.op)?.domain !== "com.microsoft" && (STANDARD_OPERATORS.get(node.op) ?? Number.POSITIVE_INFINITY) > OPSET)
    reasons.push(`${where}: the operator is not in opset ${OPSET}`);
  if (limit !== undefined && node.inputs.length > limit) reasons.push(`${where}: ONNX gives it ${limit} inputs`);
  if (subgraphsOf(node).length) reasons.push(`${where}: subgraphs are not written`);
  if (node.quant) reasons.push(`${where}: it computes on an int8 grid`);
  return reasons;
}

const isTensor = (value: AttrValue): value is Tensor => typeof value === "object" && "data" in value;

const ATTRIBUTE_WRITERS: { readonly [K in AttrSpec["kind"]]: (value: AttrValue) => Draft<typeof ATTRIBUTE> } = {
  int: (i) => ({ type: ATTRIBUTE_TYPE.int, i: i as number }),
  float: (f) => ({ type: ATTRIBUTE_TYPE.float, f: f as number }),
  string: (s) => ({ type: ATTRIBUTE_TYPE.string, s: s as string }),
  strings: (strings) => ({ type: ATTRIBUTE_TYPE.strings, strings: strings as string[] }),
  // Nodes with subgraphs are refused (`foreign`): a closed subgraph is no ONNX.
  graph: () => ({ type: ATTRIBUTE_TYPE.graph }),
  ints: (ints) => ({ type: ATTRIBUTE_TYPE.ints, ints: ints as number[] }),
  floats: (floats) => ({ type: ATTRIBUTE_TYPE.floats, floats: floats as number[] }),
  tensor: (t) => ({ type: ATTRIBUTE_TYPE.tensor, t: isTensor(t) ? writeTensor("", t) : undefined }),
};

/** Attributes that have their default are left out: later opsets may have added them. */
const sameAttr = (value: AttrValue, given: AttrValue): boolean => typeof value !== "object" && value === given;

function nodeProto({ op, name, inputs, outputs, attrs }: Node): Draft<typeof NODE> {
  const specs = opOf(op)?.attrs ?? {};
  const attribute = Object.entries(attrs)
    .filter(([key, value]) => value !== undefined && !isIrOnly(key, specs[key]) && !sameAttr(value, specs[key]?.default))
    .map(([key, value]) => ({ name: key, ...ATTRIBUTE_WRITERS[specs[key].kind](value) }));
  return { input: inputs, output: outputs, name, opType: op, domain: opOf(op)?.domain, attribute };
}

function valueInfo(name: string, type: TensorType | undefined): Draft<typeof VALUE_INFO> {
  if (!type) return { name };
  const dim = type.shape.map((value, i) => (i === type.bound?.axis ? { param: `${name}_length` } : { value }));
  return { name, type: { tensorType: { elemType: ELEMENT_CODES[type.dtype], shape: { dim } } } };
}
