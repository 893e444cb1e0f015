import { ATTRIBUTE_TYPE, GRAPH, MODEL, type NODE } from "../../src/onnx/schema.ts";
import { type Draft, encode } from "../../src/onnx/wire.ts";

type Attr = number | string | readonly number[] | Uint8Array;

/** A NodeProto; numbers become int attributes, `{ f: 1 }` a float one, bytes a graph. */
export function node(
  op: string,
  input: string,
  output: string,
  attrs: Record<string, Attr | { f: number }> = {},
  name = "",
): Draft<typeof NODE> {
  const attribute = Object.entries(attrs).map(([key, value]) => {
    if (typeof value === "number") return { name: key, type: ATTRIBUTE_TYPE.int, i: value };
    if (typeof value === "string") return { name: key, type: ATTRIBUTE_TYPE.string, s: value };
    if (value instanceof Uint8Array) return { name: key, type: ATTRIBUTE_TYPE.graph, g: value };
    if ("f" in value) return { name: key, type: ATTRIBUTE_TYPE.float, f: value.f };
    return { name: key, type: ATTRIBUTE_TYPE.ints, ints: value };
  });
  const words = (text: string) => (text === "" ? [] : text.split(" ").map((word) => (word === "_" ? "" : word)));
  return { opType: op, name, input: words(input), output: words(output), attribute };
}

/** A ValueInfoProto of f32; a dimension is a number or a name. */
export function value(name: string, shape?: readonly (number | string)[], elemType = 1) {
  const dim = shape?.map((d) => (typeof d === "number" ? { value: d } : { param: d }));
  return { name, type: { tensorType: { elemType, shape: dim && { dim } } } };
}

/** The bytes of a GraphProto, for an attribute. */
export const subgraph = (graph: Draft<typeof GRAPH>): Uint8Array => encode(GRAPH, { name: "inner", ...graph });

export function model(graph: Draft<typeof GRAPH>, opset = 17): Uint8Array {
  return encode(MODEL, {
    irVersion: 8,
    producerName: "test",
    graph: { name: "g", ...graph },
    opsetImport: [{ domain: "", version: opset }],
  });
}

/** What `f` throws, as text; fails where it throws nothing. */
export function failure(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    if (error instanceof Error && "code" in error) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error("nothing was thrown");
}
