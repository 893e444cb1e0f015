import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { evaluateNode } from "../semantics/evaluate.ts";
import { elementCount, type Tensor } from "../tensor/index.ts";
import { type Draft, rewrite } from "./rewrite.ts";

/** Gemm as MatMul: transposes and factors go into constants where they can, and become nodes of their own where not. */
export function gemmToMatmul(graph: Graph): Graph {
  return rewrite(graph, (node, draft) => (node.op === "Gemm" ? takeApart(node, draft) : undefined));
}

function takeApart(node: Node, draft: Draft): Node[] {
  const { alpha, beta, transA, transB } = node.attrs as Record<string, number>;
  const nodes: Node[] = [];
  const add = (op: string, inputs: string[], outputs?: readonly string[], attrs?: Node["attrs"]): string => {
    const made = makeNode({
      op,
      name: draft.fresh(`${node.name}.${op}`),
      inputs,
      outputs: outputs ?? [draft.fresh(`${node.outputs[0]}_${op}`)],
      attrs,
    });
    nodes.push(made);
    return made.outputs[0];
  };
  const factor = (value: number) => draft.addConstant(`${node.name}.factor`, { dtype: "f32", shape: [], data: Float32Array.of(value) });

  let [a, b] = node.inputs;
  let pending = alpha;
  const weights = draft.constant(b);
  if (weights) {
    const turned = transB ? transposed(weights) : weights;
    const ready = alpha === 1 ? turned : times(turned, alpha);
    if (ready !== weights) b = draft.addConstant(`${node.name}.weight`, ready);
    pending = 1;
  } else if (transB) b = add("Transpose", [b], undefined, { perm: [1, 0] });
  if (transA) a = add("Transpose", [a], undefined, { perm: [1, 0] });

  const c = beta === 0 ? "" : (node.inputs[2] ?? "");
  const bias = c ? biasOf(draft.constant(c), draft.type(node.outputs[0]).shape[1], beta) : undefined;
  if (bias && pending === 1) {
    const same = bias === draft.constant(c);
    add("MatMul", [a, b, same ? c : draft.addConstant(`${node.name}.bias`, bias)], node.outputs);
    return nodes;
  }
  const last = (more: boolean) => (more ? undefined : node.outputs);
  let product = add("MatMul", [a, b], last(pending !== 1 || c !== ""));
  if (pending !== 1) product = add("Mul", [product, factor(pending)], last(c !== ""));
  if (c) {
    const scaled = beta === 1 ? c : add("Mul", [c, factor(beta)]);
    add("Add", [product, scaled], node.outputs);
  }
  return nodes;
}

/** A constant C as a bias of n elements, one for a column; undefined where it differs from row to row. */
function biasOf(c: Tensor | undefined, n: number, beta: number): Tensor | undefined {
  if (!c || (elementCount(c.shape) !== 1 && (c.shape.at(-1) !== n || elementCount(c.shape) !== n))) return undefined;
  if (c.shape.length === 1 && c.shape[0] === n && beta === 1) return c;
  return { dtype: "f32", shape: [n], data: Float32Array.from({ length: n }, (_, i) => beta * c.data[c.data.length === 1 ? 0 : i]) };
}

function transposed(matrix: Tensor): Tensor {
  const node = makeNode({ op: "Transpose", name: "", inputs: [""], outputs: [""], attrs: { perm: [1, 0] } });
  return evaluateNode(node, [matrix])[0];
}

function times(x: Tensor, factor: number): Tensor {
  return { ...x, data: Float32Array.from(x.data, (v) => v * factor) };
}
