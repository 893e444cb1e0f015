/** One plan for measuring many changes: each value passes over its grid where the model's user says so, inference by inference. */
import { freshNames, renameReads } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { makeNode } from "../ops/node.ts";
import { inferTypes } from "../semantics/infer.ts";
import type { Quant } from "../tensor/index.ts";

export interface Switchable {
  readonly graph: Graph;
  /** The added input, one bool, that turns the rounding of a value on. */
  readonly switches: ReadonlyMap<string, string>;
  /** The value that stands in place of one, rounded or not: what reads the one reads this, and the outputs of a quantized model would be this. */
  after(value: string): string;
}

/** The f32 graph with a switch for each value of `grids`. Where it is off, what reads the value reads it bit for bit. */
export function switchable(graph: Graph, grids: ReadonlyMap<string, Quant>): Switchable {
  const fresh = freshNames(graph);
  const switches = new Map<string, string>();
  const renamed = new Map<string, string>();
  const types = new Map(graph.types);
  const nodes: Node[] = [];
  const addSwitch = (value: string): void => {
    const quant = grids.get(value);
    if (!quant) return;
    const [on, integer, rounded, real] = ["on", "integer", "rounded", "real"].map((form) => fresh(`${value}/${form}`));
    nodes.push(
      makeNode({ op: "QuantizeLinear", name: integer, inputs: [value], outputs: [integer], quant }),
      makeNode({ op: "DequantizeLinear", name: rounded, inputs: [integer], outputs: [rounded] }),
      makeNode({ op: "Where", name: real, inputs: [on, rounded, value], outputs: [real] }),
    );
    switches.set(value, on);
    types.set(on, { dtype: "bool", shape: [1] });
    renamed.set(value, real);
  };
  const after = (value: string): string => renamed.get(value) ?? value;
  for (const input of graph.inputs) addSwitch(input);
  for (const node of graph.nodes) {
    nodes.push(...renameReads([node], renamed));
    for (const output of node.outputs) addSwitch(output);
  }
  return { graph: inferTypes({ ...graph, inputs: [...graph.inputs, ...switches.values()], nodes, types }), switches, after };
}
