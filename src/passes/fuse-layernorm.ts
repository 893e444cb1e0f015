import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { normalizeAxis, tensor } from "../tensor/index.ts";
import { constantOperand, scalarOf } from "./match.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/**
 * (x − mean) / √(mean((x − mean)²) + ε) over the last axis becomes LayerNormalization with a scale of ones; the scale and bias that
 * follow go into it as into every layer.
 */
export function fuseLayernorm(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    if (node.op !== "Div") return undefined;
    const [centred, deviation] = node.inputs;
    const x = centredOf(centred, draft);
    const epsilon = epsilonOf(deviation, centred, draft);
    if (x === undefined || epsilon === undefined) return undefined;
    const n = draft.type(x).shape.at(-1)!;
    const scale = draft.addConstant(`${node.name}.scale`, tensor("f32", new Float32Array(n).fill(1)));
    return [
      makeNode({ op: "LayerNormalization", name: node.name, inputs: [x, scale], outputs: node.outputs, attrs: { axis: -1, epsilon } }),
    ];
  });
}

/** x where `value` is x − mean(x). */
function centredOf(value: string, draft: Draft): string | undefined {
  const difference = draft.producer(value);
  if (difference?.op !== "Sub") return undefined;
  const [x, mean] = difference.inputs;
  return meanOf(draft.producer(mean), draft) === x ? x : undefined;
}

/** x where the node is its mean over the last axis, which stays. */
function meanOf(node: Node | undefined, draft: Draft): string | undefined {
  if (node?.op !== "ReduceMean" || node.attrs.keepdims !== 1) return undefined;
  const given = node.inputs[1] ? draft.constant(node.inputs[1])?.data : (node.attrs.axes as readonly number[] | undefined);
  const rank = draft.type(node.inputs[0]).shape.length;
  return given?.length === 1 && normalizeAxis(given[0], rank) === rank - 1 ? node.inputs[0] : undefined;
}

/** ε where `value` is √(mean(centred²) + ε). */
function epsilonOf(value: string, centred: string, draft: Draft): number | undefined {
  const root = draft.producer(value);
  const sum = root?.op === "Sqrt" ? draft.producer(root.inputs[0]) : undefined;
  const operand = sum?.op === "Add" ? constantOperand(sum, draft) : undefined;
  if (!sum || !operand) return undefined;
  const square = draft.producer(meanOf(draft.producer(operand.value), draft) ?? "");
  if (!square || square.inputs[0] !== centred) return undefined;
  const squares = square.op === "Pow" ? scalarOf(draft, square.inputs[1]) === 2 : square.op === "Mul" && square.inputs[1] === centred;
  return squares ? scalarOf(draft, sum.inputs[operand.first ? 0 : 1]) : undefined;
}
