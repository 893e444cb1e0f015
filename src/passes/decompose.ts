import { EdgepackError } from "../errors.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { opOf } from "../ops/index.ts";
import { makeNode } from "../ops/node.ts";
import { inferNode } from "../semantics/infer.ts";
import type { Tensor, TensorType } from "../tensor/index.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/** Parts that take themselves apart again go no deeper than this; an operator that meets itself would never end. */
const DEPTH = 8;

/** Constants that parts are computed from are evaluated up to this many elements or their worth in multiply-accumulates. */
const FOLDED_WORK = 2 ** 22;

/**
 * Operators taken apart into others, by the `decompose` of each, until all that is left has kernels. Throws ONNX_UNSUPPORTED with every
 * node that cannot be had.
 */
export function decompose(graph: Graph): Graph {
  let current = graph;
  for (let depth = 0; depth < DEPTH; depth++) {
    const problems: string[] = [];
    const next = rewrite(current, (node, draft) => {
      try {
        return partsOf(node, draft);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        problems.push(`${node.op} "${node.name}": ${error.message}`);
        return undefined;
      }
    });
    if (problems.length > 0)
      throw new EdgepackError(
        "ONNX_UNSUPPORTED",
        "These operators cannot be run; change them in the model or export it another way:",
        problems,
      );
    if (next === current) return current;
    current = next;
  }
  return current;
}

function partsOf(node: Node, draft: Draft): readonly Node[] | undefined {
  const nodes: Node[] = [];
  const types = new Map<string, TensorType>();
  const constant = (value: string): Tensor | undefined => draft.constant(value);
  const type = (value: string): TensorType => types.get(value) ?? draft.type(value);
  opOf(node.op)?.decompose?.({
    node,
    type,
    constant,
    fresh: draft.fresh,
    value: (tensor) => draft.addConstant(`${node.name}.constant`, tensor),
    add: (op, inputs, attrs, outputs, quant) => {
      const name = nodes.length === 0 ? node.name : draft.fresh(`${node.name}.${op}`);
      const made = makeNode({ op, name, inputs, outputs: outputs ?? [draft.fresh(`${node.outputs[0]}_${op}`)], attrs, quant });
      const inferred = inferNode(made, type, constant, FOLDED_WORK);
      if (inferred.values && !outputs) return draft.addConstant(made.outputs[0], inferred.values[0]);
      made.outputs.forEach((output, i) => {
        types.set(output, inferred.types[i]);
      });
      nodes.push(made);
      return made.outputs[0];
    },
  });
  return nodes.length > 0 ? nodes : undefined;
}
