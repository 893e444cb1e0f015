/** Tables that rows are picked from as the model runs, embeddings above all: they are stored on grids and expanded to f32 as the pack is loaded. */
import { freshNames } from "../graph/edit.ts";
import { consumersOf, type Graph, type Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { quantizeWeights, type Tensor } from "../tensor/index.ts";

/** Tables of fewer elements are not worth a grid. */
const LEAST_ELEMENTS = 1024;

/** Rows of at least this many elements have a scale each; of shorter ones each column has. */
const WIDE_ROW = 64;

/** The table that a node reads rows of, where nothing else reads it. */
function tableOf(node: Node, graph: Graph, readers: ReadonlyMap<string, readonly Node[]>): Tensor | undefined {
  const [name, indices] = node.inputs;
  const table = graph.constants.get(name);
  if (node.op !== "Gather" || node.attrs.axis !== 0 || table?.dtype !== "f32" || table.shape.length !== 2) return undefined;
  if (graph.constants.has(indices) || table.data.length < LEAST_ELEMENTS) return undefined;
  return readers.get(name)?.length === 1 && !graph.outputs.includes(name) ? table : undefined;
}

/** The graph with its tables on grids. Types of what is added are left open. */
export function storeTables(graph: Graph): Graph {
  const fresh = freshNames(graph);
  const readers = consumersOf(graph);
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const table = tableOf(node, graph, readers);
    if (!table) return [node];
    const [name, indices] = node.inputs;
    const [grid, stored] = [fresh(`${name}.q`), fresh(`${name}/stored`)];
    constants.set(grid, quantizeWeights(table, table.shape[1] >= WIDE_ROW ? 0 : 1));
    return [makeNode({ op: "DequantizeLinear", name: stored, inputs: [grid], outputs: [stored] }), { ...node, inputs: [stored, indices] }];
  });
  return { ...graph, nodes, constants };
}
