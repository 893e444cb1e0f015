import type { Graph } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { constantOperand, near, onlyReadHere, scalarOf } from "./match.ts";
import { productOf, selfProduct } from "./product.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/** x · ½ · (1 + erf(x / √2)), bracketed in any way, becomes Gelu. */
export function fuseGelu(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    const product = productOf(node, draft);
    if (!product || !near(product.scalar, 0.5)) return undefined;
    const x = selfProduct(product, (x, other) => (erfOf(other, draft) === x ? x : undefined));
    return x === undefined ? undefined : [makeNode({ op: "Gelu", name: node.name, inputs: [x], outputs: node.outputs })];
  });
}

/** x where `value` is 1 + erf(x / √2). */
function erfOf(value: string, draft: Draft): string | undefined {
  const sum = onlyReadHere(draft, value, "Add");
  const operand = sum && constantOperand(sum, draft);
  if (!operand || !near(scalarOf(draft, sum.inputs[operand.first ? 0 : 1]), 1)) return undefined;
  const erf = onlyReadHere(draft, operand.value, "Erf");
  const argument = erf && onlyReadHere(draft, erf.inputs[0], "Mul", "Div");
  const scaled = argument && productOf(argument, draft);
  return scaled && near(scaled.scalar, Math.SQRT1_2) && scaled.factors.length === 1 ? scaled.factors[0] : undefined;
}
