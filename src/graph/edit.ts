import type { Graph, Node } from "./graph.ts";

/** Pure edits of graphs, each linear in the size of the graph. */

/** Without nodes whose outputs nobody reads, and without constants and types of values that are gone. Inputs and outputs of the graph stay. */
export function prune(graph: Graph): Graph {
  const live = new Set(graph.outputs);
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => live.has(output))) continue;
    for (const input of node.inputs) live.add(input);
    for (const output of node.outputs) live.add(output);
    nodes.push(node);
  }
  for (const input of graph.inputs) live.add(input);
  return {
    ...graph,
    nodes: nodes.reverse(),
    constants: new Map([...graph.constants].filter(([name]) => live.has(name))),
    types: new Map([...graph.types].filter(([name]) => live.has(name))),
  };
}

/** Reads of values go by `names` where they stand in it; what the graph puts out keeps its name. */
export function renameReads(nodes: readonly Node[], names: ReadonlyMap<string, string>): readonly Node[] {
  if (names.size === 0) return nodes;
  return nodes.map((node) =>
    node.inputs.some((input) => names.has(input)) ? { ...node, inputs: node.inputs.map((input) => names.get(input) ?? input) } : node,
  );
}

/** Gives out names that nothing in the graph has. */
export function freshNames(graph: Graph): (base: string) => string {
  const taken = new Set([...graph.inputs, ...graph.constants.keys(), ...graph.types.keys()]);
  for (const node of graph.nodes) {
    taken.add(node.name);
    for (const output of node.outputs) taken.add(output);
  }
  const next = new Map<string, number>();
  return (base) => {
    let name = base;
    for (let i = next.get(base) ?? 1; taken.has(name); i++) {
      name = `${base}_${i}`;
      next.set(base, i + 1);
    }
    taken.add(name);
    return name;
  };
}

/**
 * Nodes in an order in which every value is written before it is read, as close to the given one as that allows (Kahn's algorithm with
 * ready nodes taken in the given order). `known` are the values that no node writes. Returns undefined where there is a cycle or a
 * value that nothing writes.
 */
export function sortNodes(nodes: readonly Node[], known: Iterable<string>): readonly Node[] | undefined {
  const seen = new Set([...known, ""]);
  const waiting = new Map<string, number[]>();
  const missing = new Array<number>(nodes.length).fill(0);
  const sorted: Node[] = [];
  const settle = (first: number) => {
    const stack = [first];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      sorted.push(nodes[at]);
      for (const output of nodes[at].outputs) {
        if (seen.has(output)) continue;
        seen.add(output);
        for (const reader of (waiting.get(output) ?? []).toReversed()) if (--missing[reader] === 0) stack.push(reader);
      }
    }
  };
  nodes.forEach((node, i) => {
    for (const input of new Set(node.inputs)) {
      if (seen.has(input)) continue;
      missing[i]++;
      const readers = waiting.get(input);
      if (readers) readers.push(i);
      else waiting.set(input, [i]);
    }
    if (missing[i] === 0) settle(i);
  });
  return sorted.length === nodes.length ? sorted : undefined;
}
