import { freshNames } from "../graph/edit.ts";
import { type Graph, type Node, subgraphsOf } from "../graph/graph.ts";
import type { Inlining } from "../ops/define.ts";
import { opOf } from "../ops/index.ts";
import { makeNode } from "../ops/node.ts";
import type { Expansion } from "../semantics/infer.ts";
import { subgraphs } from "../semantics/subgraphs.ts";
import { typeOf } from "../tensor/index.ts";

/** Copies of a subgraph that stand in the graph have at most this many nodes: a plan that is longer costs more than jumps do. */
const UNROLLED = 128;
/** The same where nothing but unrolling gives the nodes inside their shapes. */
const UNROLLED_OF_NEED = 4096;
/** All that comes out of one graph's subgraphs, so that loops in loops cannot fill memory. */
const INLINED = 2 ** 16;

/**
 * Puts nodes in the place of operators with subgraphs, by the `inline` of each: the branch that a constant condition takes, the iterations of a short
 * loop. Nodes and values get names that nothing in the graph has.
 */
export function inliner(graph: Graph): Expansion {
  let fresh: ((base: string) => string) | undefined;
  let room = INLINED;
  return (node, { types, constants }) => {
    const inline = opOf(node.op)?.inline;
    if (!inline) return undefined;
    fresh ??= freshNames(graph);
    const freshName = fresh;
    const nodes: Node[] = [];
    const value: Inlining["value"] = (tensor, base = `${node.name}.constant`) => {
      const name = freshName(base);
      constants.set(name, tensor);
      types.set(name, typeOf(tensor));
      return name;
    };
    const ctx: Inlining = {
      node,
      inputs: node.inputs.map((name) => (name === "" ? undefined : types.get(name))),
      constant: (index) => constants.get(node.inputs[index]),
      value,
      add: (op, inputs, attrs, outputs = [freshName(`${node.name}_${op}`)]) => {
        nodes.push(makeNode({ op, name: freshName(`${node.name}.${op}`), inputs, outputs, attrs }));
        return outputs[0];
      },
      fits: (inner, count, needed) => count * nodesIn(inner) <= Math.min(room, needed ? UNROLLED_OF_NEED : UNROLLED),
      body: (inner, inputs) => {
        const names = new Map([["", ""], ...inner.inputs.map((name, i): [string, string] => [name, inputs[i]])]);
        for (const [name, tensor] of inner.constants) names.set(name, value(tensor, name));
        for (const each of inner.nodes) {
          const outputs = each.outputs.map((output) => freshName(output));
          nodes.push({ ...each, name: freshName(each.name), inputs: each.inputs.map((input) => names.get(input)!), outputs });
          each.outputs.forEach((output, i) => {
            names.set(output, outputs[i]);
          });
        }
        room -= nodesIn(inner);
        return inner.outputs.map((output) => names.get(output)!);
      },
    };
    return inline(ctx, subgraphs) ? nodes : undefined;
  };
}

/** Nodes of a graph and of all graphs in it. */
function nodesIn(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => subgraphsOf(node).reduce((n, [, inner]) => n + nodesIn(inner), sum + 1), 0);
}
