import { freshNames } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { axesOf, isOneRun } from "../ops/reduce.ts";
import { inferTypes } from "../semantics/infer.ts";
import { normalizeAxis, type Tensor, type TensorType } from "../tensor/index.ts";

/** What a node's axes must look like for its kernel: the permutation of the input that brings them there, or undefined where they are there. */
type AxesRule = (
  node: Node,
  x: TensorType,
  constant: (value: string) => Tensor | undefined,
) => { perm: readonly number[]; attrs: Node["attrs"] } | undefined;

/** The kernel normalises along the last axis. */
const alongLast: AxesRule = (node, x) => {
  const rank = x.shape.length;
  const axis = normalizeAxis(node.attrs.axis as number, rank);
  if (node.attrs.coerce || x.shape.slice(axis + 1).every((d) => d === 1)) return undefined;
  return { perm: [...others(rank, [axis]), axis], attrs: { ...node.attrs, axis: rank - 1 } };
};

/** The kernel reduces one run of neighbouring axes. */
const overOneRun: AxesRule = (node, x, constant) => {
  const rank = x.shape.length;
  const axes = axesOf(node, x, node.inputs[1] ? constant(node.inputs[1]) : undefined);
  if (isOneRun(axes, x.shape)) return undefined;
  const first = rank - axes.length;
  return { perm: [...others(rank, axes), ...axes], attrs: { ...node.attrs, axes: axes.map((_, i) => first + i) } };
};

const RULES: Readonly<Record<string, AxesRule>> = {
  Softmax: alongLast,
  LogSoftmax: alongLast,
  ReduceMean: overOneRun,
  ReduceSum: overOneRun,
  ReduceMax: overOneRun,
  ReduceMin: overOneRun,
  ReduceProd: overOneRun,
};

function others(rank: number, axes: readonly number[]): number[] {
  return Array.from({ length: rank }, (_, i) => i).filter((i) => !axes.includes(i));
}

/** Transposes before and after operators whose kernels want their axes elsewhere. */
export function kernelAxes(graph: Graph): Graph {
  const fresh = freshNames(graph);
  let changed = false;
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const x = graph.types.get(node.inputs[0]);
    const found = x && RULES[node.op]?.(node, x, (value) => graph.constants.get(value));
    if (!found) return [node];
    changed = true;
    const { perm, attrs } = found;
    const [before, after] = [fresh(`${node.name}/before`), fresh(`${node.name}/after`)];
    const reduces = node.op.startsWith("Reduce");
    const moved = makeNode({ op: "Transpose", name: before, inputs: node.inputs.slice(0, 1), outputs: [before], attrs: { perm } });
    const keeps = !reduces || attrs.keepdims === 1;
    const inner = { ...node, attrs, inputs: [before], outputs: keeps ? [after] : node.outputs };
    if (!keeps) return [moved, inner];
    const back = perm.map((_, i) => perm.indexOf(i));
    return [moved, inner, makeNode({ op: "Transpose", name: after, inputs: [after], outputs: node.outputs, attrs: { perm: back } })];
  });
  return changed ? inferTypes({ ...graph, nodes }) : graph;
}
