import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { permutationOf } from "../ops/transpose.ts";
import { i64, sameType } from "../tensor/index.ts";
import { constantOperand, hasActivation } from "./match.ts";
import { type Draft, rewrite } from "./rewrite.ts";

const always = () => true;

/** Operators that do nothing where their output has the type of their input and this holds. */
const NOTHING: Readonly<Record<string, (node: Node, draft: Draft) => boolean>> = {
  Identity: always,
  Dropout: (node) => node.outputs.length === 1,
  Cast: always,
  Reshape: always,
  Flatten: always,
  Squeeze: always,
  Unsqueeze: always,
  Expand: always,
  Tile: always,
  Concat: (node) => node.inputs.length === 1,
  Split: (node) => node.outputs.length === 1,
  Transpose: (node, draft) => permutationOf(node, draft.type(node.inputs[0])).every((p, i) => p === i),
  Slice: (node, draft) => !node.inputs[4] || draft.constant(node.inputs[4])!.data.every((step) => step === 1),
  Pad: (node, draft) => draft.constant(node.inputs[1])!.data.every((p) => p === 0),
};

const RESHAPES: ReadonlySet<string> = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze"]);

/** Constants that change nothing; a Sub or Div must have them second. */
const NEUTRAL: Readonly<Record<string, number>> = { Add: 0, Sub: 0, Mul: 1, Div: 1 };

/** What the node passes on unchanged, whatever its type. */
function passedOn(node: Node, draft: Draft): string | undefined {
  if (NOTHING[node.op]?.(node, draft)) return node.inputs[0];
  const neutral = NEUTRAL[node.op];
  if (neutral === undefined || hasActivation(node)) return undefined;
  const operand = constantOperand(node, draft);
  if (!operand || (operand.first && (node.op === "Sub" || node.op === "Div"))) return undefined;
  return operand.constant.data.every((v) => v === neutral) ? operand.value : undefined;
}

/** Removes nodes that do nothing, writes every reshape as Reshape, and leaves of several in a row the last. */
export function eliminate(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => {
    const passed = passedOn(node, draft);
    if (passed !== undefined && sameType(draft.type(passed), draft.type(node.outputs[0]))) return passed;
    if (!RESHAPES.has(node.op)) return undefined;
    const [input] = node.inputs;
    const before = draft.producer(input);
    if (before?.op === "Reshape") return [reshape(node, before.inputs[0], draft)];
    return node.op === "Reshape" && node.attrs.allowzero === 1 ? undefined : [reshape(node, input, draft)];
  });
}

/** A Reshape in place of `node`, whose output keeps its type. */
function reshape(node: Node, input: string, draft: Draft): Node {
  const shape = draft.addConstant(`${node.name}.shape`, i64(draft.type(node.outputs[0]).shape));
  return makeNode({ op: "Reshape", name: node.name, inputs: [input, shape], outputs: node.outputs, attrs: { allowzero: 1 } });
}
