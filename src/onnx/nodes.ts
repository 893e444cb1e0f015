/** NodeProtos to nodes of the IR, raised to the newest form of each operator. */
import { closeOver } from "../graph/closure.ts";
import { type AttrValue, type Graph, type Node, subgraphsOf } from "../graph/graph.ts";
import type { RawNode } from "../ops/define.ts";
import { opOf } from "../ops/index.ts";
import { makeNode, nodeProblems } from "../ops/node.ts";
import type { Tensor } from "../tensor/index.ts";
import { CONTRIB } from "./contrib.ts";
import { isIrOnly } from "./ir-only.ts";
import { BROADCASTING, raiseLegacy } from "./legacy.ts";
import { ATTRIBUTE_TYPE, type AttributeProto, type NodeProto } from "./schema.ts";
import { type External, readTensor } from "./tensor.ts";

const DOMAINS: ReadonlySet<string> = new Set(["", "ai.onnx", "com.microsoft"]);

export interface NodeReader {
  readonly opset: number;
  /** Versions of all domains, for messages. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly external: External | undefined;
  /** Values that somebody reads; outputs at the end of a node's list that nobody reads are dropped. */
  readonly read: ReadonlySet<string>;
  /** The graph of an attribute, still open: it reads values of the graphs around it. */
  subgraph(attribute: AttributeProto): Graph;
  /** ONNX's code of the element type of a constant that this graph has. */
  elementType(value: string): number | undefined;
  fresh(base: string): string;
  constant(base: string, value: Tensor): string;
}

/** One node, as one or several of the IR; what cannot be read is added to `problems`, a line for each reason. */
export function readNode(proto: NodeProto, reader: NodeReader, problems: string[]): readonly Node[] {
  const op = proto.opType ?? "";
  const domain = proto.domain ?? "";
  const label = proto.name || proto.output[0] || "";
  const refuse = (reason: string): readonly Node[] => {
    problems.push(
      `${op || "(no operator)"} ${label} (${domain || "ai.onnx"} opset ${reader.opsets.get(domain) ?? "not given"}): ${reason}`,
    );
    return [];
  };
  const contrib = domain === "com.microsoft" ? CONTRIB.get(op) : undefined;
  const found = opOf(op);
  const ofDomain = DOMAINS.has(domain) && (found?.domain ?? "") === (domain === "ai.onnx" ? "" : domain);
  const def = contrib || ofDomain ? found : undefined;
  if (!contrib && !def) return refuse(DOMAINS.has(domain) ? "the operator is not supported" : `the domain ${domain} is not supported`);
  const upgrade = contrib ?? def?.upgrade;

  const attrs: [string, AttrValue][] = [];
  for (const attribute of proto.attribute) {
    try {
      attrs.push([attribute.name ?? "", attributeValue(attribute, reader)]);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return refuse(`attribute ${attribute.name}: ${error.message}`);
    }
  }
  const raw: RawNode = {
    op,
    name: reader.fresh(proto.name || `${op}_${proto.output[0] ?? ""}`),
    inputs: proto.input,
    outputs: outputsOf(proto, def?.variadicOutputs === true, reader),
    attrs: Object.fromEntries(attrs),
  };
  const own = Object.keys(raw.attrs).filter((key) => isIrOnly(key, def?.attrs[key]) && (contrib || Object.hasOwn(def!.attrs, key)));
  if (own.length) return refuse(own.map((key) => `attribute ${key} is not supported`).join("; "));
  let raised: readonly RawNode[];
  const closed = closeOver(raw, subgraphsOf(raw));
  try {
    const context = upgradeContext(raw.name, reader);
    const { node, before } = reader.opset < BROADCASTING ? raiseLegacy(closed, context) : { node: closed, before: [] };
    raised = [...before, ...(upgrade?.(node, context) ?? [node])];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return refuse(error.message);
  }
  const nodes = raised.map((node) => makeNode(node));
  const reasons = nodes.flatMap(nodeProblems);
  return reasons.length ? refuse([...new Set(reasons)].join("; ")) : nodes;
}

function outputsOf(proto: NodeProto, variadic: boolean, reader: NodeReader): string[] {
  const outputs = [...proto.output];
  while (outputs.length > 1 && (outputs.at(-1) === "" || (!variadic && !reader.read.has(outputs.at(-1)!)))) outputs.pop();
  return outputs.map((name) => name || reader.fresh(`${proto.opType}_unused`));
}

function upgradeContext(name: string, { opset, fresh, constant, elementType }: NodeReader) {
  return {
    opset,
    elementType,
    fresh: () => fresh(`${name}_part`),
    constant: (value: Tensor) => constant(`${name}_const`, value),
  };
}

type AttributeReader = (a: AttributeProto, reader: NodeReader) => AttrValue;

const READERS: ReadonlyMap<number, AttributeReader> = new Map<number, AttributeReader>([
  [ATTRIBUTE_TYPE.float, (a) => a.f ?? 0],
  [ATTRIBUTE_TYPE.int, (a) => a.i ?? 0],
  [ATTRIBUTE_TYPE.string, (a) => a.s ?? ""],
  [ATTRIBUTE_TYPE.floats, (a) => a.floats],
  [ATTRIBUTE_TYPE.ints, (a) => a.ints],
  [ATTRIBUTE_TYPE.strings, (a) => a.strings],
  [ATTRIBUTE_TYPE.graph, (a, reader) => reader.subgraph(a)],
  [ATTRIBUTE_TYPE.tensor, readTensorAttribute],
]);

function readTensorAttribute({ t }: AttributeProto, { external }: NodeReader): Tensor {
  if (!t) throw new RangeError("its tensor is missing");
  return readTensor(t, external);
}

/** Files of IR version 1 and 2 leave the type out; the field that is there tells it. */
function typeOfAttribute(a: AttributeProto): number {
  if (a.type) return a.type;
  if (a.f !== undefined) return ATTRIBUTE_TYPE.float;
  if (a.i !== undefined) return ATTRIBUTE_TYPE.int;
  if (a.s !== undefined) return ATTRIBUTE_TYPE.string;
  if (a.t) return ATTRIBUTE_TYPE.tensor;
  if (a.g) return ATTRIBUTE_TYPE.graph;
  return a.floats.length ? ATTRIBUTE_TYPE.floats : ATTRIBUTE_TYPE.ints;
}

function attributeValue(attribute: AttributeProto, reader: NodeReader): AttrValue {
  if (attribute.refAttrName) throw new RangeError("references to a function's attributes are not supported");
  const type = typeOfAttribute(attribute);
  const read = READERS.get(type);
  if (!read) throw new RangeError(`attributes of type ${type} are not supported`);
  return read(attribute, reader);
}
