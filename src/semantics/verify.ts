import { EdgepackError } from "../errors.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { opOf } from "../ops/index.ts";
import { settledBody } from "../ops/subgraph.ts";
import { formatType, gridProblem, sameType, type Tensor, type TensorType, typeOf } from "../tensor/index.ts";
import { inferNode, SHAPE_WORK, walkTypes } from "./infer.ts";

/**
 * Checks all that the IR promises: values written once and before they are read, unique node names, known operators with fitting
 * inputs and attributes, and types that are there and are those that inference gives; in subgraphs, too.
 * Throws GRAPH_INVALID with every problem.
 */
export function verifyGraph(graph: Graph): void {
  const problems = problemsOf(graph, graph.constants);
  if (problems.length) throw new EdgepackError("GRAPH_INVALID", `Graph ${graph.name} breaks the rules of the IR:`, problems);
}

/** `known` are values with data: constants, and in subgraphs what follows from them. */
function problemsOf(graph: Graph, known: ReadonlyMap<string, Tensor>): string[] {
  const problems: string[] = [];
  const types = new Map<string, TensorType>();
  const define = (name: string, by: string, type: TensorType | undefined) => {
    if (name === "") problems.push(`${by} has no name`);
    else if (types.has(name)) problems.push(`%${name} is written by ${by}, but exists already`);
    else if (!type) problems.push(`%${name}, written by ${by}, has no type`);
    else types.set(name, type);
  };
  for (const name of graph.inputs) define(name, "an input", graph.types.get(name));
  for (const [name, tensor] of graph.constants) {
    define(name, "a constant", typeOf(tensor));
    const grid = gridProblem(tensor);
    if (grid) problems.push(`%${name} has ${grid}`);
    const stated = graph.types.get(name);
    if (stated && !sameType(stated, tensor)) problems.push(`%${name} is ${formatType(tensor)}, stated as ${formatType(stated)}`);
  }
  const names = new Set<string>();
  for (const node of graph.nodes) {
    const where = `${node.op} ${node.name}`;
    if (names.has(node.name)) problems.push(`two nodes are named ${node.name}`);
    names.add(node.name);
    const missing = node.inputs.filter((name) => name !== "" && !types.has(name));
    for (const name of missing) problems.push(`${where} reads %${name}, which nothing before it writes`);
    for (const name of node.outputs) define(name, where, graph.types.get(name));
    if (missing.length) continue;
    try {
      const inferred = inferNode(
        node,
        (name) => types.get(name),
        (name) => known.get(name),
      );
      node.outputs.forEach((name, i) => {
        const stated = graph.types.get(name);
        if (stated && !sameType(stated, inferred.types[i]))
          problems.push(`%${name} of ${where} is ${formatType(inferred.types[i])}, stated as ${formatType(stated)}`);
      });
      problems.push(...subgraphProblems(node, types, known).map((problem) => `${where}: ${problem}`));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push(`${where}: ${error.message}`);
    }
  }
  for (const name of graph.outputs) if (!types.has(name)) problems.push(`output %${name} is written by nothing`);
  return problems;
}

/** What is wrong inside the subgraphs of a node, by the types that it gives them. */
function subgraphProblems(node: Node, types: ReadonlyMap<string, TensorType>, known: ReadonlyMap<string, Tensor>): string[] {
  const inputs = node.inputs.map((name) => types.get(name));
  const bodies = opOf(node.op)?.bodies?.({ node, inputs, constant: (index) => known.get(node.inputs[index]) }) ?? [];
  return bodies.flatMap((body) => {
    const inner = settledBody(body);
    const walk = walkTypes(inner, SHAPE_WORK);
    return problemsOf({ ...inner, types: walk.types }, walk.constants).map((problem) => `${body.attr}: ${problem}`);
  });
}
