import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { permutationOf } from "../ops/transpose.ts";
import { evaluateNode } from "../semantics/evaluate.ts";
import { i64, type Tensor } from "../tensor/index.ts";
import { onlyReadHere } from "./match.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/**
 * A Transpose that is flattened and multiplied by constant weights, as an image net's features are by its classifier, goes into the
 * order of the weights' rows.
 */
export function absorbTranspose(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => (node.op === "MatMul" ? absorb(node, draft) : undefined));
}

function absorb(node: Node, draft: Draft): Node[] | undefined {
  const [a, b] = node.inputs;
  const weights = draft.constant(b);
  const flat = onlyReadHere(draft, a, "Reshape", "Flatten");
  const transpose = flat && onlyReadHere(draft, flat.inputs[0], "Transpose");
  if (!transpose || weights?.shape.length !== 2) return undefined;
  const [source] = transpose.inputs;
  const { shape } = draft.type(source);
  const perm = permutationOf(transpose, draft.type(source));
  const [rows, k] = draft.type(a).shape;
  if (draft.type(a).shape.length !== 2 || perm[0] !== 0 || rows !== shape[0] || k !== weights.shape[0]) return undefined;

  const target = draft.addConstant(`${flat.name}.shape`, i64([rows, k]));
  const turned = draft.addConstant(`${node.name}.weight`, rowsInOrder(weights, shape, perm));
  const features = draft.fresh(`${source}_flat`);
  return [
    makeNode({ op: "Reshape", name: flat.name, inputs: [source, target], outputs: [features], attrs: { allowzero: 1 } }),
    { ...node, inputs: [features, turned, ...node.inputs.slice(2)] },
  ];
}

/** Rows that belong to the elements of Transpose(x, perm), in the order of the elements of x; the first axis is the batch. */
function rowsInOrder(weights: Tensor, shape: readonly number[], perm: readonly number[]): Tensor {
  const inner = perm.slice(1);
  const back = [...inner.map((_, i) => inner.indexOf(i + 1)), inner.length];
  const node = makeNode({ op: "Transpose", name: "", inputs: [""], outputs: [""], attrs: { perm: back } });
  const stacked = { ...weights, shape: [...inner.map((axis) => shape[axis]), weights.shape[1]] };
  return { ...evaluateNode(node, [stacked])[0], shape: weights.shape };
}
