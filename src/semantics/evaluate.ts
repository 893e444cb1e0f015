import { EdgepackError } from "../errors.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { opOf } from "../ops/index.ts";
import { formatType, sameShape, type Tensor } from "../tensor/index.ts";
import { subgraphs } from "./subgraphs.ts";

/** The outputs of one node. Throws GRAPH_INVALID for an operator that is unknown. */
export function evaluateNode(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] {
  const def = opOf(node.op);
  if (!def) throw new EdgepackError("GRAPH_INVALID", `Node ${node.name} has the unknown operator ${node.op}.`);
  return def.eval({ node, inputs }, subgraphs);
}

/**
 * Runs a graph by the definitions of its operators, in plain TypeScript: slow, and the reference for everything else.
 * `onValue` sees each value as it is computed. Throws INPUT_INVALID where inputs are missing or of another type,
 * GRAPH_INVALID for an operator that is unknown.
 */
export function evaluate(
  graph: Graph,
  inputs: Readonly<Record<string, Tensor>>,
  onValue?: (name: string, value: Tensor) => void,
): Record<string, Tensor> {
  const values = new Map<string, Tensor>(graph.constants);
  for (const name of graph.inputs) {
    const given = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (!given) throw new EdgepackError("INPUT_INVALID", `Input ${name} is missing.`);
    const type = graph.types.get(name);
    if (type && (type.dtype !== given.dtype || !sameShape(type.shape, given.shape)))
      throw new EdgepackError("INPUT_INVALID", `Input ${name} is ${formatType(given)}, the model takes ${formatType(type)}.`);
    values.set(name, given);
  }
  const lastRead = new Map<string, number>();
  graph.nodes.forEach((node, i) => {
    for (const input of node.inputs) lastRead.set(input, i);
  });
  for (const output of graph.outputs) lastRead.set(output, graph.nodes.length);
  graph.nodes.forEach((node, i) => {
    const results = evaluateNode(
      node,
      node.inputs.map((name) => values.get(name)),
    );
    node.outputs.forEach((name, k) => {
      values.set(name, results[k]);
      onValue?.(name, results[k]);
    });
    for (const input of node.inputs) if (lastRead.get(input) === i) values.delete(input);
  });
  return Object.fromEntries(graph.outputs.map((name) => [name, values.get(name)!]));
}
