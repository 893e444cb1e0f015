import type { Graph } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { constantOperand, near, onlyReadHere, scalarOf } from "./match.ts";
import { productOf, selfProduct } from "./product.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/** x · clip(x + 3, 0, 6) / 6 and x · HardSigmoid(x, ⅙, ½), bracketed in any way, become HardSwish. */
export function fuseHardswish(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    const product = productOf(node, draft);
    const read = FORMS.find(({ scalar }) => near(product?.scalar, scalar))?.read;
    const input = product && read && selfProduct(product, (x, other) => (read(other, draft) === x ? x : undefined));
    return input === undefined ? undefined : [makeNode({ op: "HardSwish", name: node.name, inputs: [input], outputs: node.outputs })];
  });
}

/** x where `value` is clip(x + 3, 0, 6). */
function clippedOf(value: string, draft: Draft): string | undefined {
  const clip = onlyReadHere(draft, value, "Clip");
  if (!clip?.inputs[1] || !near(scalarOf(draft, clip.inputs[2] ?? ""), 6) || scalarOf(draft, clip.inputs[1]) !== 0) return undefined;
  const sum = onlyReadHere(draft, clip.inputs[0], "Add");
  const operand = sum && constantOperand(sum, draft);
  return operand && near(scalarOf(draft, sum.inputs[operand.first ? 0 : 1]), 3) ? operand.value : undefined;
}

/** x where `value` is HardSigmoid(x) of slope ⅙ and offset ½. */
function sigmoidOf(value: string, draft: Draft): string | undefined {
  const sigmoid = onlyReadHere(draft, value, "HardSigmoid");
  return sigmoid && near(sigmoid.attrs.alpha as number, 1 / 6) && sigmoid.attrs.beta === 0.5 ? sigmoid.inputs[0] : undefined;
}

const FORMS = [
  { scalar: 1 / 6, read: clippedOf },
  { scalar: 1, read: sigmoidOf },
];
