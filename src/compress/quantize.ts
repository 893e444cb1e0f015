/** Post-training quantization to int8: which values go on a grid, and the graph in which they do. Arithmetic: docs/quantization.md. */

import { freshNames, prune } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { consumersOf, subgraphsOf } from "../graph/graph.ts";
import type { QuantizeRule } from "../ops/define.ts";
import { opOf } from "../ops/index.ts";
import { MAX_INTEGER_K } from "../ops/linear.ts";
import { makeNode } from "../ops/node.ts";
import { inferTypes } from "../semantics/infer.ts";
import { elementCount, gridOfRange, type Quant, quantizeTensor, quantizeWeights, type Tensor } from "../tensor/index.ts";
import { storeTables } from "./tables.ts";

/** What was decided about a model's layers before it is quantized. */
export interface Decisions {
  /** Rounded weights of linear layers, by their names among `integerNames`; others are rounded to nearest. */
  readonly weights?: ReadonlyMap<string, Tensor>;
  /** Values that are put on no grid: what reads them computes in f32, with weights that are stored on their grid. */
  readonly real?: ReadonlySet<string>;
  /** Names of layers that compute in f32 with f32 weights. */
  readonly exact?: ReadonlySet<string>;
}

type LinearRule = Extract<QuantizeRule, { kind: "linear" }>;

/**
 * The rule by which a node may compute in integers, or undefined where it may not: weights that are computed, k that could overflow,
 * operands that are not finite.
 */
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
  const computed = (input: string): boolean => graph.types.get(input)?.dtype === "f32" && !graph.constants.has(input);
  const wild = (input: string): boolean => !(graph.constants.get(input)?.data.every(Number.isFinite) ?? true);
  if (rule.kind === "rescale" && node.inputs.some(wild)) return undefined;
  if (rule.kind === "same" && node.inputs.slice(1).some(computed)) return undefined;
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
export function integerNodes(graph: Graph, { real, exact }: Pick<Decisions, "real" | "exact"> = {}): Map<Node, QuantizeRule> {
  const consumers = consumersOf(graph);
  const rules = new Map<Node, QuantizeRule>();
  const wanted = new Set<Node>();
  for (const node of graph.nodes) {
    const rule = ruleOf(graph, node);
    if (rule && !exact?.has(node.name) && !gridInputs(rule, node).some((input) => real?.has(input))) rules.set(node, rule);
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

export interface IntegerNames {
  /** Name of the integer form of a value. */
  of(value: string): string;
  /** Name of the integer form of a layer's weights: layers that share weights along the same axis share it. */
  ofWeights(node: Node, axis: number): string;
}

/** Names of integer forms: that of v is `v.q`, with more underscores behind it than any such name that the graph has already. */
export function integerNames(graph: Graph): IntegerNames {
  const taken = [...graph.inputs, ...graph.constants.keys(), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  const longest = taken.reduce((most, name) => Math.max(most, /\.q(_*)\d*$/.exec(name)?.[1].length ?? -1), -1);
  const of = (value: string): string => `${value}.q${"_".repeat(longest + 1)}`;
  return { of, ofWeights: (node, axis) => `${of(node.inputs[1])}${axis}` };
}

/**
 * Static quantization. `grids` gives the grid of every f32 value that calibration saw. Values keep their names in f32; those of their
 * integer forms are `integerNames`. Returns an inferred graph.
 */
export function quantizeStatic(graph: Graph, grids: ReadonlyMap<string, Quant>, decisions: Decisions = {}): Graph {
  const integers = integerNodes(graph, decisions);
  const names = integerNames(graph);
  const onGrid = names.of;
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
      const layer = ruleOf(graph, node);
      const computed = { ...node, inputs: node.inputs.map(toReal) };
      if (layer?.kind !== "linear" || decisions.exact?.has(node.name)) nodes.push(computed);
      else {
        const weights = quantizedWeights(constants, names, node, layer, decisions);
        nodes.push(...withWeights(computed, weights, fresh(`${node.inputs[1]}/stored`)));
      }
      for (const output of node.outputs) real.add(output);
      continue;
    }
    const onGrids = gridInputs(rule, node);
    const inputs = node.inputs.map((input) => (onGrids.includes(input) ? toGrid(input) : input));
    if (rule.kind === "linear") inputs[1] = quantizedWeights(constants, names, node, rule, decisions);
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
  return inferTypes(prune(storeTables({ ...graph, nodes: nodes.map(storeInside), constants })));
}

/**
 * Dynamic quantization: the weights of linear layers go on grids; their inputs are quantized while the model runs, each over its own range,
 * and everything between layers is f32.
 */
export function quantizeDynamic(graph: Graph, decisions: Decisions = {}): Graph {
  const names = integerNames(graph);
  const fresh = freshNames(graph);
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const rule = ruleOf(graph, node);
    if (rule?.kind !== "linear" || decisions.exact?.has(node.name)) return [node];
    const [input, weights] = node.inputs;
    const real = decisions.real?.has(input) || rule.weightsOnly?.(node, graph.types.get(input)!, graph.constants.get(weights)!) || false;
    return withWeights(node, quantizedWeights(constants, names, node, rule, decisions), real ? fresh(`${weights}/stored`) : undefined);
  });
  return inferTypes(prune(storeTables({ ...graph, nodes: nodes.map(storeInside), constants })));
}

/** A layer that reads weights in their integer form; as reals, called `stored`, where it computes in f32. */
function withWeights(node: Node, weights: string, stored: string | undefined): Node[] {
  const inputs = [...node.inputs];
  inputs[1] = stored ?? weights;
  const layer = { ...node, inputs };
  return stored ? [makeNode({ op: "DequantizeLinear", name: stored, inputs: [weights], outputs: [stored] }), layer] : [layer];
}

/**
 * Values that static quantization rounds, each with the values that hold nothing but its elements: those are on its grid, and are f32
 * where it is.
 */
export function roundedValues(graph: Graph): Map<string, string[]> {
  const rounded = new Map<string, string[]>();
  const source = new Map<string, string>();
  for (const [node, rule] of integerNodes(graph)) {
    for (const input of gridInputs(rule, node)) {
      if (!graph.constants.has(input) && !source.has(input)) rounded.set(input, rounded.get(input) ?? [input]);
    }
    if (rule.kind !== "same") continue;
    const from = source.get(node.inputs[0]) ?? node.inputs[0];
    source.set(node.outputs[0], from);
    rounded.get(from)?.push(node.outputs[0]);
  }
  return rounded;
}

/** Linear layers that can compute in integers, and the axis of their weights that outputs lie along. */
export function linearLayers(graph: Graph): Map<Node, number> {
  const layers = new Map<Node, number>();
  for (const node of graph.nodes) {
    const rule = ruleOf(graph, node);
    if (rule?.kind === "linear") layers.set(node, rule.axis(node, graph.constants.get(node.inputs[1])!)!);
  }
  return layers;
}

/** The node with the weights of layers in its subgraphs stored on grids; what is inside computes in f32, since its values may go round and round. */
function storeInside(node: Node): Node {
  const subgraphs = subgraphsOf(node).map(([attr, inner]) => [attr, quantizeDynamic(inner, { real: new Set(inner.types.keys()) })]);
  return subgraphs.length > 0 ? { ...node, attrs: { ...node.attrs, ...Object.fromEntries(subgraphs) } } : node;
}

/** Adds the integer form of a layer's weights, once for all layers that share it. */
function quantizedWeights(
  constants: Map<string, Tensor>,
  names: IntegerNames,
  node: Node,
  rule: LinearRule,
  { weights }: Decisions,
): string {
  const tensor = constants.get(node.inputs[1])!;
  const axis = rule.axis(node, tensor)!;
  const key = names.ofWeights(node, axis);
  if (!constants.has(key)) constants.set(key, weights?.get(key) ?? quantizeWeights(tensor, axis));
  return key;
}

function gridOfData({ data, shape }: Tensor): Quant {
  if (elementCount(shape) === 0) return gridOfRange(0, 0);
  return gridOfRange(
    Array.from(data).reduce((a, b) => Math.min(a, b), 0),
    Array.from(data).reduce((a, b) => Math.max(a, b), 0),
  );
}
