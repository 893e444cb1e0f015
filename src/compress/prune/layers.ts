/** The layers that pruning works on, and their weights. */
import { consumersOf, type Graph, type Node } from "../../graph/graph.ts";
import { type LayerView, layerView } from "../layer-view.ts";

/** Constant f32 weights and the layers that read them: more than one where layers share them. */
export interface PrunedWeights {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly view: LayerView;
}

/** The linear layers of an inferred graph whose weights are constants that nothing but such layers reads, each set of weights once. */
export function prunedWeights(graph: Graph, wanted: (node: Node) => boolean = () => true): readonly PrunedWeights[] {
  const readers = consumersOf(graph);
  const names = new Set(graph.nodes.flatMap((node) => (isLayer(graph, node) ? [node.inputs[1]] : [])));
  return [...names].flatMap((name) => {
    const nodes = readers.get(name)!;
    const alike = nodes.every(
      (node) => isLayer(graph, node) && node.inputs[1] === name && node.inputs[0] !== name && node.op === nodes[0].op,
    );
    const sameGroups = nodes.every((node) => node.attrs.group === nodes[0].attrs.group);
    if (!alike || !sameGroups || graph.outputs.includes(name) || !nodes.every(wanted)) return [];
    return [{ name, nodes, view: layerView(graph, nodes[0])! }];
  });
}

function isLayer(graph: Graph, node: Node): boolean {
  const weights = graph.constants.get(node.inputs[1] ?? "");
  return (
    weights?.dtype === "f32" && weights.data.length > 0 && (node.op === "Conv" || node.op === "MatMul") && isMatrix(node, weights.shape)
  );
}

/** Stacks of matrices are read by one layer each. */
const isMatrix = ({ op }: Node, shape: readonly number[]): boolean =>
  op === "Conv" || (shape.length >= 2 && shape.slice(0, -2).every((d) => d === 1));

/** A layer in which each output reads one channel: its few weights are sensitive, and no kernel gains by zeros among them. */
export const isDepthwise = ({ outputs, groups }: LayerView): boolean => groups > 1 && outputs === groups;
