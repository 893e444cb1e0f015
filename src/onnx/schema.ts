/** The parts of onnx.proto (IR version 8) that edgepack reads and writes, by field number. Subgraphs stay bytes, so that no table refers to itself (`subgraph.ts`). */
import { type Decoded, many, one } from "./wire.ts";

const ENTRY = { key: one(1, "string"), value: one(2, "string") };

export const TENSOR = {
  dims: many(1, "int64"),
  dataType: one(2, "int64"),
  floatData: many(4, "float"),
  int32Data: many(5, "int64"),
  int64Data: many(7, "int64"),
  name: one(8, "string"),
  rawData: one(9, "bytes"),
  doubleData: many(10, "double"),
  uint64Data: many(11, "uint64"),
  externalData: many(13, ENTRY),
  dataLocation: one(14, "int64"),
};

/** AttributeProto.type. */
export const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8, graphs: 10 } as const;

export const ATTRIBUTE = {
  name: one(1, "string"),
  f: one(2, "float"),
  i: one(3, "int64"),
  s: one(4, "string"),
  t: one(5, TENSOR),
  g: one(6, "bytes"),
  floats: many(7, "float"),
  ints: many(8, "int64"),
  strings: many(9, "string"),
  graphs: many(11, "bytes"),
  type: one(20, "int64"),
  refAttrName: one(21, "string"),
};

export const NODE = {
  input: many(1, "string"),
  output: many(2, "string"),
  name: one(3, "string"),
  opType: one(4, "string"),
  attribute: many(5, ATTRIBUTE),
  domain: one(7, "string"),
};

const DIMENSION = { value: one(1, "int64"), param: one(2, "string") };
const TENSOR_TYPE = { elemType: one(1, "int64"), shape: one(2, { dim: many(1, DIMENSION) }) };

export const VALUE_INFO = { name: one(1, "string"), type: one(2, { tensorType: one(1, TENSOR_TYPE) }) };

export const GRAPH = {
  node: many(1, NODE),
  name: one(2, "string"),
  initializer: many(5, TENSOR),
  input: many(11, VALUE_INFO),
  output: many(12, VALUE_INFO),
  sparseInitializer: many(15, "bytes"),
};

export const MODEL = {
  irVersion: one(1, "int64"),
  producerName: one(2, "string"),
  producerVersion: one(3, "string"),
  graph: one(7, GRAPH),
  opsetImport: many(8, { domain: one(1, "string"), version: one(2, "int64") }),
  functions: many(25, "bytes"),
};

export type TensorProto = Decoded<typeof TENSOR>;
export type AttributeProto = Decoded<typeof ATTRIBUTE>;
export type NodeProto = Decoded<typeof NODE>;
export type ValueInfoProto = Decoded<typeof VALUE_INFO>;
export type GraphProto = Decoded<typeof GRAPH>;
