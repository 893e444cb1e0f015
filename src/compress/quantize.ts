/** Post-training quantization to int8: which values go on a grid, and the graph in which they do. Arithmetic: docs/quantization.md. */

import { freshNames, prune } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { consumersOf } from "../graph/graph.ts";
import { inferTypes } from "../graph/infer.ts";
import type { QuantizeRule } from "../ops/define.ts";
import { opOf } from "../ops/index.ts";
import { MAX_INTEGER_K } from "../ops/linear.ts";
import { makeNode } from "../ops/node.ts";
import { elementCount, gridOfRange, type Quant, quantizeTensor, quantizeWeights, type Tensor } from "../tensor/index.ts";

/** The rule by which a node may compute in integers, or undefined where it may not: weights that are computed, k that could overflow. */
function ruleOf(graph: Graph, node: Node): QuantizeRule | undefined {
  const rule = opOf(node.op)?.quantize;
  if (!rule || graph.types.get(node.inputs[0])?.dtype !== "f32" || node.outputs.length !== 1 || graph.constants.has(node.inputs[0])) {
    return undefined;
  }
  if (rule.kind === "linear") {
    const weight = graph.constants.get(node.inputs[1]);
    const axis = weight?.dtype === "f32" ? rule.axis(node, weight) : undefined;
    if (!weight || axis === undefined || weight.data.length / weight.shape[axis] > MAX_INTEGER_K) return undefined;
    if (node.inputs[2] && !graph.constants.has(node.inputs[2])) return undefined;
  }
  if (rule.kind === "table" && !node.inputs.slice(1).every((input) => input === "" || graph.constants.has(input))) return undefined;
  return rule;
}

/** Inputs of an integer node that are on grids. */
function gridInputs(rule: QuantizeRule, node: Node): readonly string[] {
  return rule.kind === "rescale" ? node.inputs.filter((input) => input !== "") : node.inputs.slice(0, 1);
}

/**
 * Nodes that compute in integers under static quantization: every linear layer, and of the others those that lie between: fed by
 * integers or by inputs of the graph, and leading to a linear layer. What feeds only f32 operators stays exact.
 */
export function integerNodes(graph: Graph): Map<Node, QuantizeRule> {
  const consumers = consumersOf(graph);
  const rules = new Map<Node, QuantizeRule>();
  const wanted = new Set<Node>();
  for (const node of graph.nodes) {
    const rule = ruleOf(graph, node);
    if (rule) rules.set(node, rule);
  }
  for (const node of graph.nodes.toReversed()) {
    const rule = rules.get(node);
    if (!rule) continue;
    const readers = consumers.get(node.outputs[0]) ?? [];
    if (
      rule.kind === "linear" ||
      readers.some((reader) => wanted.has(reader) && gridInputs(rules.get(reader)!, reader).includes(node.outputs[0]))
    ) {
      wanted.add(node);
    }
  }
  const integers = new Map<Node, QuantizeRule>();
  const fromIntegers = new Set<string>([...graph.inputs, ...graph.constants.keys()]);
  for (const node of graph.nodes) {
    const rule = rules.get(node);
    if (!rule || !wanted.has(node)) continue;
    if (rule.kind !== "linear" && !gridInputs(rule, node).every((input) => fromIntegers.has(input))) continue;
    integers.set(node, rule);
    fromIntegers.add(node.outputs[0]);
  }
  return integers;
}

/** Name of the integer form of a value. */
export const onGrid = (value: string): string => `${value}.q`;

/**
 * Static quantization. `grids` gives the grid of every f32 value that calibration saw. Values keep their names in f32; the integer form of
 * value v is called `v.q`. Returns an inferred graph.
 */
export function quantizeStatic(graph: Graph, grids: ReadonlyMap<string, Quant>): Graph {
  const integers = integerNodes(graph);
  const fresh = freshNames(graph);
  const consumers = consumersOf(graph);
  const readOnGrid = (value: string): boolean =>
    (consumers.get(value) ?? []).some((reader) => integers.has(reader) && gridInputs(integers.get(reader)!, reader).includes(value));
  const constants = new Map(graph.constants);
  const nodes: Node[] = [];
  /** Values that exist in f32, and those that exist on a grid. */
  const real = new Set([...graph.inputs, ...graph.constants.keys()]);
  const integer = new Map<string, Quant>();

  const gridOfValue = (value: string): Quant => {
    const grid = grids.get(value);
    if (!grid) throw new RangeError(`calibration did not see ${value}`);
    return grid;
  };
  const toGrid = (value: string): string => {
    if (integer.has(value)) return onGrid(value);
    const constant = graph.constants.get(value);
    const grid = constant ? gridOfData(constant) : gridOfValue(value);
    integer.set(value, grid);
    if (constant) constants.set(onGrid(value), quantizeTensor(constant, grid));
    else
      nodes.push(
        makeNode({ op: "QuantizeLinear", name: fresh(`${value}/quantize`), inputs: [value], outputs: [onGrid(value)], quant: grid }),
      );
    return onGrid(value);
  };
  const toReal = (value: string): string => {
    if (value === "" || real.has(value)) return value;
    real.add(value);
    nodes.push(makeNode({ op: "DequantizeLinear", name: fresh(`${value}/dequantize`), inputs: [onGrid(value)], outputs: [value] }));
    return value;
  };

  for (const node of graph.nodes) {
    const rule = integers.get(node);
    if (!rule) {
      const inputs = node.inputs.map(toReal);
      nodes.push({ ...node, inputs });
      for (const output of node.outputs) real.add(output);
      continue;
    }
    const onGrids = gridInputs(rule, node);
    const inputs = node.inputs.map((input) => (onGrids.includes(input) ? toGrid(input) : input));
    if (rule.kind === "linear") inputs[1] = quantizedWeights(constants, node, rule);
    const [output] = node.outputs;
    if (rule.kind === "linear" && !readOnGrid(output)) {
      nodes.push({ ...node, inputs });
      real.add(output);
      continue;
    }
    const quant = rule.kind === "same" ? undefined : gridOfValue(output);
    nodes.push({ ...node, inputs, outputs: [onGrid(output)], ...(quant && { quant }) });
    integer.set(output, quant ?? integer.get(node.inputs[0])!);
  }
  for (const output of graph.outputs) toReal(output);
  return inferTypes(prune({ ...graph, nodes, constants }));
}

/**
 * Dynamic quantization: the weights of linear layers go on grids; their inputs are quantized while the model runs, each over its own range,
 * and everything between layers is f32.
 */
export function quantizeDynamic(graph: Graph): Graph {
  const fresh = freshNames(graph);
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const rule = ruleOf(graph, node);
    if (rule?.kind !== "linear") return [node];
    const weights = quantizedWeights(constants, node, rule);
    const inputs = [...node.inputs];
    if (!rule.weightsOnly?.(node, graph.types.get(node.inputs[0])!, graph.constants.get(node.inputs[1])!)) {
      inputs[1] = weights;
      return [{ ...node, inputs }];
    }
    inputs[1] = fresh(`${node.inputs[1]}/stored`);
    return [makeNode({ op: "DequantizeLinear", name: inputs[1], inputs: [weights], outputs: [inputs[1]] }), { ...node, inputs }];
  });
  return inferTypes(prune({ ...graph, nodes, constants }));
}

/** Adds the integer form of a layer's weights, once for all layers that share them along the same axis. */
function quantizedWeights(constants: Map<string, Tensor>, node: Node, rule: Extract<QuantizeRule, { kind: "linear" }>): string {
  const [, weights] = node.inputs;
  const tensor = constants.get(weights)!;
  const axis = rule.axis(node, tensor)!;
  const name = `${onGrid(weights)}${axis}`;
  if (!constants.has(name)) constants.set(name, quantizeWeights(tensor, axis));
  return name;
}

function gridOfData({ data, shape }: Tensor): Quant {
  if (elementCount(shape) === 0) return gridOfRange(0, 0);
  return gridOfRange(
    Array.from(data).reduce((a, b) => Math.min(a, b), 0),
    Array.from(data).reduce((a, b) => Math.max(a, b), 0),
  );
}
