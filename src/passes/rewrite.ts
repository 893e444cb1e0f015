import { freshNames, prune, renameReads } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { inferNode } from "../semantics/infer.ts";
import { sameType, type Tensor, type TensorType, typeOf } from "../tensor/index.ts";

/** What a rule may ask of the graph as it stands so far, and add to it. */
export interface Draft {
  type(value: string): TensorType;
  constant(value: string): Tensor | undefined;
  /** The node that writes a value, as rewritten so far. */
  producer(value: string): Node | undefined;
  /** How often a value is read; being an output of the graph counts. */
  uses(value: string): number;
  /** A name that nothing has. */
  fresh(base: string): string;
  addConstant(base: string, value: Tensor): string;
}

/**
 * Looks at one node, which ends the pattern that the rule knows. Returns what stands in its place: nodes in order, of which the last
 * write the same outputs; the name of a value that is equal to its only output; or undefined to leave it.
 */
export type Rule = (node: Node, draft: Draft) => readonly Node[] | string | undefined;

/**
 * Runs a rule over the nodes in order, then removes what is read no more. A rule sees the results of earlier rewrites, so chains
 * collapse in one go. Nodes that compute on int8 grids are left as they are. Types are inferred for what rules add; a result that would
 * change the type of an output is not taken. The same graph is returned where no rule applied.
 */
export function rewrite(graph: Graph, rule: Rule): Graph {
  const constants = new Map(graph.constants);
  const types = new Map(graph.types);
  const producers = new Map<string, Node>();
  const uses = useCounts(graph);
  const outputs = new Set(graph.outputs);
  const fresh = lazily(() => freshNames(graph));
  const draft: Draft = {
    type: (value) => types.get(value)!,
    constant: (value) => constants.get(value),
    producer: (value) => producers.get(value),
    uses: (value) => uses.get(value) ?? 0,
    fresh: (base) => fresh()(base),
    addConstant: (base, value) => {
      const name = fresh()(base);
      constants.set(name, value);
      types.set(name, typeOf(value));
      return name;
    },
  };
  const equal = new Map<string, string>();
  const outputNames = new Map<string, string>();
  const emitted: Node[] = [];
  const emit = (node: Node) => {
    emitted.push(node);
    for (const output of node.outputs) producers.set(output, node);
  };
  let changed = false;
  /** Gives types to what a rule made; false where an output would have another type than before. */
  const fits = (added: readonly Node[], replaced: Node): boolean =>
    added.every((node) => {
      const inferred = inferNode(
        node,
        (name) => types.get(name),
        (name) => constants.get(name),
      );
      return node.outputs.every((output, i) => {
        if (replaced.outputs.includes(output)) return sameType(inferred.types[i], draft.type(output));
        types.set(output, inferred.types[i]);
        return true;
      });
    });

  for (const original of graph.nodes) {
    const [node] = renameReads([original], equal);
    const result = node.quant ? undefined : rule(node, draft);
    if (typeof result === "string") {
      const [output] = node.outputs;
      const renamable = producers.has(result) && !outputs.has(result) && !outputNames.has(result);
      if (outputs.has(output) && !renamable) {
        emit(node);
        continue;
      }
      if (outputs.has(output)) outputNames.set(result, output);
      equal.set(output, result);
      uses.set(result, draft.uses(result) + draft.uses(output) - 1);
      changed = true;
    } else if (result && fits(result, node)) {
      for (const added of result) emit(added);
      changed = true;
    } else {
      emit(node);
    }
  }
  return changed ? prune({ ...graph, nodes: nameOutputs(emitted, outputNames), constants, types: renameTypes(types, outputNames) }) : graph;
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function useCounts(graph: Graph): Map<string, number> {
  const uses = new Map<string, number>();
  for (const names of [graph.outputs, ...graph.nodes.map((node) => node.inputs)])
    for (const name of names) uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}

/** Gives values the names that the graph puts them out under. */
function nameOutputs(nodes: readonly Node[], names: ReadonlyMap<string, string>): readonly Node[] {
  if (names.size === 0) return nodes;
  return renameReads(nodes, names).map((node) =>
    node.outputs.some((output) => names.has(output))
      ? { ...node, outputs: node.outputs.map((output) => names.get(output) ?? output) }
      : node,
  );
}

function renameTypes(types: ReadonlyMap<string, TensorType>, names: ReadonlyMap<string, string>): ReadonlyMap<string, TensorType> {
  return names.size === 0 ? types : new Map([...types].map(([name, type]) => [names.get(name) ?? name, type]));
}
