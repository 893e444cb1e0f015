/** Subgraphs: messages of their own in the attributes of nodes, whose nodes may read values of the graphs around them. */
import { EdgepackError } from "../errors.ts";
import { type AttributeProto, GRAPH, type GraphProto } from "./schema.ts";
import { decode } from "./wire.ts";

/** Subgraphs stand in each other no deeper than this. */
const MAX_DEPTH = 16;

const decoded = new WeakMap<Uint8Array, GraphProto>();

/** The graph in an attribute, decoded once. Throws ONNX_INVALID. */
export function subgraphProto({ g, name = "" }: AttributeProto): GraphProto | undefined {
  if (!g) return undefined;
  let graph = decoded.get(g);
  if (!graph) {
    graph = decode(g, GRAPH, name);
    decoded.set(g, graph);
  }
  return graph;
}

/** Every name that a graph's nodes read or that it puts out, those of its subgraphs included. Throws ONNX_INVALID where they are too deep. */
export function readsOf(proto: GraphProto, depth = 0): string[] {
  if (depth > MAX_DEPTH) throw new EdgepackError("ONNX_INVALID", `The model's subgraphs stand in each other more than ${MAX_DEPTH} deep.`);
  return [
    ...proto.output.map((output) => output.name ?? ""),
    ...proto.node.flatMap((node) => [
      ...node.input,
      ...node.attribute.flatMap((attribute) => {
        const inner = subgraphProto(attribute);
        return inner ? readsOf(inner, depth + 1) : [];
      }),
    ]),
  ];
}
