import { type Graph, type Node, subgraphsOf } from "./graph.ts";

/** Making subgraphs closed: what they read of the graph around them becomes inputs, of them and of their node. */

/** The values that a graph reads and does not have, in the order in which they are first read. */
function freeValues(graph: Graph): string[] {
  const own = new Set(["", ...graph.inputs, ...graph.constants.keys(), ...graph.nodes.flatMap((node) => node.outputs)]);
  const reads = [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs];
  return [...new Set(reads.filter((name) => !own.has(name)))];
}

/** The node with its subgraphs closed over all that any of them reads outside. Inputs that the node leaves out stand as absent before the captures. */
export function closeOver<N extends Pick<Node, "inputs" | "attrs">>(node: N, subgraphs: readonly (readonly [string, Graph])[]): N {
  if (subgraphs.length === 0) return node;
  const captures = [...new Set(subgraphs.flatMap(([, graph]) => freeValues(graph)))];
  const formals = Math.max(...subgraphs.map(([, graph]) => graph.inputs.length));
  const absent = new Array<string>(Math.max(0, formals - node.inputs.length)).fill("");
  const closed = subgraphs.map(([attr, graph]) => [attr, { ...graph, inputs: [...graph.inputs, ...captures] }] as const);
  return {
    ...node,
    inputs: [...node.inputs, ...absent, ...captures],
    attrs: { ...node.attrs, ...Object.fromEntries(closed), captures: captures.length },
  };
}

/** The node without captures that none of its subgraphs reads. */
export function dropCaptures(node: Node): Node {
  const count = node.attrs.captures as number;
  const subgraphs = subgraphsOf(node);
  const first = node.inputs.length - count;
  const kept = Array.from({ length: count }, (_, i) => i).filter((i) =>
    subgraphs.some(([, graph]) => {
      const name = graph.inputs[graph.inputs.length - count + i];
      return graph.outputs.includes(name) || graph.nodes.some((inner) => inner.inputs.includes(name));
    }),
  );
  if (kept.length === count) return node;
  const shorten = (names: readonly string[]) => {
    const own = names.length - count;
    return [...names.slice(0, own), ...kept.map((i) => names[own + i])];
  };
  const graphs = subgraphs.map(([attr, graph]) => [attr, { ...graph, inputs: shorten(graph.inputs) }] as const);
  return {
    ...node,
    inputs: [...node.inputs.slice(0, first), ...kept.map((i) => node.inputs[first + i])],
    attrs: { ...node.attrs, ...Object.fromEntries(graphs), captures: kept.length },
  };
}
