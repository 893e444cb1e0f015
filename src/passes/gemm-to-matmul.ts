import { freshNames, prune } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { inferTypes } from "../graph/infer.ts";
import { makeNode } from "../ops/node.ts";
import { f32 } from "../tensor/index.ts";

/**
 * Gemm → MatMul, and an addition of beta · C. What is done to constants (transposition, alpha, beta) folds away afterwards, so that one
 * operator stands for all matrix products.
 */
export function gemmToMatMul(graph: Graph): Graph {
  if (!graph.nodes.some((node) => node.op === "Gemm")) return graph;
  const fresh = freshNames(graph);
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.flatMap((node) => {
    if (node.op !== "Gemm") return [node];
    const { alpha, beta, transA, transB } = node.attrs as Record<string, number>;
    const parts: Node[] = [];
    const apply = (op: string, suffix: string, inputs: readonly string[], attrs?: Node["attrs"]): string => {
      const name = fresh(`${node.name}/${suffix}`);
      parts.push(makeNode({ op, name, inputs, outputs: [name], attrs }));
      return name;
    };
    const scaled = (value: string, factor: number): string => {
      if (factor === 1) return value;
      const name = fresh(`${node.name}/factor`);
      constants.set(name, f32([factor], []));
      return apply("Mul", "scaled", [value, name]);
    };
    const [a, b, c] = node.inputs;
    const left = transA ? apply("Transpose", "a", [a], { perm: [1, 0] }) : a;
    const right = scaled(transB ? apply("Transpose", "b", [b], { perm: [1, 0] }) : b, alpha);
    if (!c || beta === 0) return [...parts, makeNode({ op: "MatMul", name: node.name, inputs: [left, right], outputs: node.outputs })];
    const addend = scaled(c, beta);
    const product = apply("MatMul", "product", [left, right]);
    return [...parts, makeNode({ op: "Add", name: node.name, inputs: [product, addend], outputs: node.outputs })];
  });
  return inferTypes(prune({ ...graph, nodes, constants }));
}
