import { EdgepackError } from "../errors.ts";
import { freshNames, sortNodes } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { type Tensor, type TensorType, typeOf } from "../tensor/index.ts";
import { type Fixed, fixInputs, inputTypes, type Shapes } from "./inputs.ts";
import { type NodeReader, readNode } from "./nodes.ts";
import { type AttributeProto, type GraphProto, MODEL } from "./schema.ts";
import { notOnnx } from "./sniff.ts";
import { readsOf, subgraphProto } from "./subgraph.ts";
import { DOUBLE, type External, readTensor } from "./tensor.ts";
import { decode } from "./wire.ts";

/** Opsets whose models are read; from 18 on, nodes that the opset changed are refused one by one. */
export const OPSETS = { oldest: 1, newest: 25 } as const;

export interface ReadOptions {
  /** Shapes of inputs whose dimensions the model leaves open. */
  readonly shapes?: Shapes;
  /** Inputs that always have one value, by name: they become constants, and what follows from them is folded. */
  readonly fixed?: Fixed;
  /** Reads files that external data lies in, by their path relative to the model's folder. */
  readonly external?: External;
  /** Reads what there is of a model that edgepack does not support: `unsupported` says what was left out, with all that follows from it. */
  readonly partial?: boolean;
}

export interface OnnxModel {
  /** Nodes of the newest forms; only inputs and constants have types yet. */
  readonly graph: Graph;
  readonly opset: number;
  readonly producer: string;
  /** What was read, but not exactly as it stands in the file. */
  readonly warnings: readonly string[];
  /** Empty unless the model was read in part. */
  readonly unsupported: readonly string[];
}

/**
 * Reads an ONNX model. Every failure is an EdgepackError: ONNX_INVALID for bytes that are no ONNX model, ONNX_UNSUPPORTED with all that
 * edgepack has no operator for, SHAPE_UNKNOWN with all inputs whose shape must be given, USAGE for given shapes that do not fit.
 */
export function readOnnx(bytes: Uint8Array, options: ReadOptions = {}): OnnxModel {
  const other = notOnnx(bytes);
  if (other) throw invalid(`This is ${other.what}, not an ONNX model: ${other.next}.`);
  const model = decode(bytes, MODEL, "model");
  if (!model.graph) throw invalid(`No graph in these ${bytes.length} bytes: this is not an ONNX model, or it is cut short.`);
  const opsets = new Map(model.opsetImport.map(({ domain = "", version = 0 }) => [domain, version]));
  const opset = opsets.get("") ?? opsets.get("ai.onnx");
  if (opset === undefined) throw invalid("The model does not say which opset it uses: it is damaged or cut short.");
  if (opset < OPSETS.oldest || opset > OPSETS.newest)
    throw new EdgepackError(
      "ONNX_UNSUPPORTED",
      `The model uses opset ${opset}; edgepack reads ${OPSETS.oldest} to ${OPSETS.newest}. Export it again with opset 17, or convert it with onnx.version_converter.`,
    );
  const warnings: string[] = [];
  const unsupported: string[] = [];
  const graph = readGraph(model.graph, { opset, opsets, external: options.external, warnings, problems: unsupported }, options);
  const producer = [model.producerName, model.producerVersion].filter(Boolean).join(" ");
  return { graph, opset, producer, warnings, unsupported };
}

interface Source extends Pick<NodeReader, "opset" | "opsets" | "external"> {
  readonly warnings: string[];
  readonly problems: string[];
}

function readGraph(proto: GraphProto, from: Source, { shapes = {}, fixed = {}, partial }: ReadOptions): Graph {
  const { problems } = from;
  const constants = readInitializers(proto, from);
  const open = proto.input.filter((input) => !constants.has(input.name ?? ""));
  const inputs = fixInputs(open, fixed, constants);
  checkNames(proto, [...inputs.map((i) => i.name ?? ""), ...constants.keys()]);
  warnDoubles(
    inputs.filter(({ type }) => type?.tensorType?.elemType === DOUBLE).map(({ name = "" }) => name),
    from.warnings,
  );

  const outputs = proto.output.map((output) => output.name ?? "");
  const fresh = freshNames({
    name: "",
    inputs: inputs.map((i) => i.name ?? ""),
    outputs,
    nodes: proto.node.map((n) => ({ op: "", name: "", inputs: [], outputs: n.output, attrs: {} })),
    constants,
    types: new Map(),
  });
  const nodes = readNodes(proto, constants, { ...from, fresh });
  if (problems.length && !partial) throw new EdgepackError("ONNX_UNSUPPORTED", "The model needs what edgepack does not support:", problems);

  const types: Map<string, TensorType> = inputTypes(inputs, shapes);
  const names = [...types.keys()];
  for (const [name, tensor] of constants) types.set(name, typeOf(tensor));
  const known = [...names, ...constants.keys()];
  const rest = { name: proto.name || "model", inputs: names, constants, types };
  return problems.length ? { ...rest, ...computable(nodes, known) } : { ...rest, outputs, nodes: inOrder(nodes, known, outputs) };
}

/** Those of the nodes, as the file orders them, that follow from known values; their results that none of them reads are the outputs. */
function computable(nodes: readonly Node[], known: readonly string[]): Pick<Graph, "nodes" | "outputs"> {
  const values = new Set([...known, ""]);
  const kept: Node[] = [];
  for (const node of nodes) {
    if (!node.inputs.every((name) => values.has(name))) continue;
    kept.push(node);
    for (const output of node.outputs) values.add(output);
  }
  const read = new Set(kept.flatMap((node) => node.inputs));
  return { nodes: kept, outputs: kept.flatMap((node) => node.outputs).filter((name) => !read.has(name)) };
}

interface Names extends Source {
  /** Gives out names that nothing in the model has, but for subgraphs that were not read yet. */
  fresh(base: string): string;
}

/** The nodes of a graph; constants that they bring are added to `constants`. */
function readNodes(proto: GraphProto, constants: Map<string, Tensor>, from: Names): readonly Node[] {
  const { fresh, problems } = from;
  if (proto.sparseInitializer.length) problems.push(`${proto.sparseInitializer.length} sparse initializers`);
  const reader: NodeReader = {
    ...from,
    read: new Set(readsOf(proto)),
    elementType: elementTypes(proto),
    subgraph: (attribute) => readSubgraph(attribute, from),
    constant: (base, value) => {
      const name = fresh(base);
      constants.set(name, value);
      return name;
    },
  };
  return proto.node.flatMap((node) => readNode(node, reader, problems));
}

/** The element types of what initializers and Constant nodes hold. */
function elementTypes(proto: GraphProto): NodeReader["elementType"] {
  const held = [
    ...proto.initializer.map((tensor) => [tensor.name, tensor] as const),
    ...proto.node.filter(({ opType }) => opType === "Constant").map(({ output, attribute }) => [output[0], attribute[0]?.t] as const),
  ];
  const codes = new Map(held.map(([name, tensor]) => [name, tensor?.dataType]));
  return (value) => codes.get(value);
}

/** A subgraph as it stands in the file: open, and without types of its inputs. Throws RangeError where the attribute has none. */
function readSubgraph(attribute: AttributeProto, from: Names): Graph {
  const proto = subgraphProto(attribute);
  if (!proto) throw new RangeError("its graph is missing");
  const constants = readInitializers(proto, from);
  const inputs = proto.input.map((input) => input.name ?? "").filter((name) => !constants.has(name));
  checkNames(proto, [...inputs, ...constants.keys()]);
  for (const name of [...inputs, ...constants.keys(), ...proto.node.flatMap((node) => node.output)]) from.fresh(name);
  const nodes = readNodes(proto, constants, from);
  const written = new Set(nodes.flatMap((node) => node.outputs));
  const outside = nodes.flatMap((node) => node.inputs.filter((name) => !written.has(name)));
  const sorted = sortNodes(nodes, [...inputs, ...constants.keys(), ...outside]);
  if (!sorted) throw invalid(`The model's subgraph ${proto.name} is not valid: its nodes depend on each other in a circle.`);
  const types = new Map([...constants].map(([name, tensor]) => [name, typeOf(tensor)]));
  const outputs = proto.output.map((output) => output.name ?? "");
  return { name: proto.name || attribute.name || "subgraph", inputs, outputs, nodes: sorted, constants, types };
}

function readInitializers(proto: GraphProto, { external, warnings }: Source): Map<string, Tensor> {
  const constants = new Map<string, Tensor>();
  const problems: string[] = [];
  const doubles: string[] = [];
  for (const initializer of proto.initializer) {
    const name = initializer.name ?? "";
    try {
      if (constants.has(name)) throw new RangeError("it is there twice");
      constants.set(name, readTensor(initializer, external));
      if (initializer.dataType === DOUBLE) doubles.push(name);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push(`${name}: ${error.message}`);
    }
  }
  if (problems.length) throw invalid("These initializers cannot be read:", problems);
  warnDoubles(doubles, warnings);
  return constants;
}

function warnDoubles(names: readonly string[], warnings: string[]): void {
  if (names.length) warnings.push(`double is computed as float32: ${names.join(", ")}`);
}

/** Every value is written once, and has a name. */
function checkNames(proto: GraphProto, given: readonly string[]): void {
  const problems: string[] = [];
  const seen = new Set<string>();
  const add = (name: string, by: string) => {
    if (seen.has(name)) problems.push(`${name || "(no name)"} is written twice, the second time by ${by}`);
    seen.add(name);
  };
  for (const name of given) {
    if (name === "") problems.push("an input or initializer has no name");
    add(name, "an input");
  }
  for (const node of proto.node) for (const name of node.output) if (name !== "") add(name, `${node.opType} ${node.name ?? ""}`.trim());
  if (proto.output.length === 0) problems.push("there are no outputs");
  if (new Set(proto.output.map((o) => o.name)).size !== proto.output.length) problems.push("two outputs have one name");
  if (problems.length) throw invalid("The model's graph is not valid:", problems);
}

function inOrder(nodes: readonly Node[], known: readonly string[], outputs: readonly string[]): readonly Node[] {
  const written = new Set([...known, "", ...nodes.flatMap((node) => node.outputs)]);
  const problems = nodes.flatMap((node) =>
    node.inputs.filter((name) => !written.has(name)).map((name) => `${node.op} ${node.name} reads ${name}, which nothing writes`),
  );
  for (const name of outputs) if (!written.has(name) || name === "") problems.push(`output ${name} is written by nothing`);
  if (problems.length) throw invalid("The model's graph is not valid:", problems);
  const sorted = sortNodes(nodes, known);
  if (!sorted) throw invalid("The model's graph is not valid: its nodes depend on each other in a circle.");
  return sorted;
}

function invalid(message: string, problems: readonly string[] = []): EdgepackError {
  return new EdgepackError("ONNX_INVALID", message, problems);
}
