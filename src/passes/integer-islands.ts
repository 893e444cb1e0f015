import { freshNames, prune } from "../graph/edit.ts";
import { consumersOf, type Graph, type Node } from "../graph/graph.ts";
import type { QuantizeRule } from "../ops/define.ts";
import { opOf } from "../ops/index.ts";
import { makeNode } from "../ops/node.ts";
import { permutationOf } from "../ops/transpose.ts";
import { evaluateNode } from "../semantics/evaluate.ts";
import { inferNode } from "../semantics/infer.ts";
import {
  type Block,
  blockedShape,
  dequantizeTensor,
  elementCount,
  f32,
  type Quant,
  type Shape,
  sameQuant,
  type Tensor,
  type TensorType,
  typeOf,
} from "../tensor/index.ts";

/**
 * Models that come quantized: what stands between DequantizeLinear and QuantizeLinear computes on the grids themselves.
 *
 * - Operators that only move elements go before the DequantizeLinear that they read, so that pairs of the two meet and vanish.
 * - Linear layers of dequantized inputs and weights become integer layers, with i8 output where a QuantizeLinear alone reads it.
 * - Other operators with integer kernels become integer where all their inputs are dequantized and a QuantizeLinear alone reads them.
 * - All else stays in f32 between the two; weights of f32 layers stay stored on their grids.
 */
export function integerIslands(graph: Graph): Graph {
  if (!graph.nodes.some((node) => node.op === "DequantizeLinear")) return graph;
  const pass = new IntegerIslands(graph);
  for (const node of graph.nodes) pass.visit(node);
  return pass.finish();
}

/** Whether a graph that has been optimized came quantized: something in it computes on a grid. */
export function isQuantized(graph: Graph): boolean {
  return (
    graph.nodes.some((node) => node.quant !== undefined) || [...graph.constants.values()].some((constant) => constant.quant !== undefined)
  );
}

/** Worst magnitude of one product of integers less their zeros; accumulators hold 2³⁰ beside the bias. */
const LARGEST_PRODUCT = 255 * 128;
const LARGEST_SUM = 2 ** 30;

class IntegerIslands {
  private readonly nodes: Node[] = [];
  private readonly constants: Map<string, Tensor>;
  private readonly types: Map<string, TensorType>;
  private readonly consumers: Map<string, Node[]>;
  private readonly fresh: (base: string) => string;
  /** Reals by the integers that they were dequantized from; integers without a grid by those on one. */
  private readonly dequantized = new Map<string, string>();
  private readonly unwrapped = new Map<string, string>();
  /** Values that are another value, and nodes whose result its producer writes. */
  private readonly equal = new Map<string, string>();
  private readonly absorbed = new Set<string>();

  private readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
    this.constants = new Map(graph.constants);
    this.types = new Map(graph.types);
    this.consumers = consumersOf(graph);
    this.fresh = freshNames(graph);
  }

  visit(given: Node): void {
    if (this.absorbed.has(given.name)) return;
    const node = { ...given, inputs: given.inputs.map((input) => this.equal.get(input) ?? input) };
    const [input] = node.inputs;
    const [output] = node.outputs;
    if (node.op === "QuantizeLinear") this.onGrid(node, this.dequantized.get(input));
    else if (node.op === "ToGrid") this.onGrid(node, this.sameGrid(node, this.unwrapped.get(input)));
    else if (node.op === "DequantizeLinear") {
      this.dequantized.set(output, input);
      this.push(node);
    } else if (node.op === "FromGrid") {
      this.unwrapped.set(output, input);
      this.push(node);
    } else this.push(...(this.moved(node) ?? this.integer(node) ?? [node]));
  }

  finish(): Graph {
    const readers = consumersOf({ ...this.graph, nodes: this.nodes });
    const nodes = this.nodes.filter((node) => {
      const stored = node.op === "DequantizeLinear" ? this.constants.get(node.inputs[0]) : undefined;
      const [output] = node.outputs;
      if (
        !stored ||
        (!this.graph.outputs.includes(output) && (readers.get(output) ?? []).every((reader) => readsStored(reader, output, stored)))
      )
        return true;
      this.constants.set(output, dequantizeTensor(stored));
      return false;
    });
    return prune({ ...this.graph, nodes, constants: this.constants, types: this.types });
  }

  /** A node that puts its input on a grid, of which `integers` are already there. */
  private onGrid(node: Node, integers: string | undefined): void {
    const there = this.sameGrid(node, integers);
    if (there !== undefined) this.equal.set(node.outputs[0], there);
    else this.push(integers === undefined ? node : { ...node, inputs: [integers] });
  }

  private sameGrid(node: Node, integers: string | undefined): string | undefined {
    return integers !== undefined && sameQuant(this.gridOf(integers), node.quant) ? integers : undefined;
  }

  private gridOf(value: string): Quant | undefined {
    return this.types.get(value)!.quant;
  }

  /** A node that only moves elements, before what changes its input's type. */
  private moved(node: Node): Node[] | undefined {
    if (opOf(node.op)?.quantize?.kind !== "same" || !padsWithZero(node, this.constants)) return undefined;
    const [input, ...others] = node.inputs;
    const integers = this.dequantized.get(input) ?? this.unwrapped.get(input);
    if (integers === undefined) return undefined;
    const constant = this.constants.get(integers);
    const outputs = node.outputs.map((output) => this.fresh(`${output}.q`));
    const back = node.outputs.map((output, i) => {
      (this.dequantized.has(input) ? this.dequantized : this.unwrapped).set(output, outputs[i]);
      const type = this.types.get(output)!;
      const parts = { name: this.fresh(`${output}/back`), inputs: [outputs[i]], outputs: [output] };
      return this.dequantized.has(input)
        ? makeNode({ ...parts, op: "DequantizeLinear" })
        : makeNode({ ...parts, op: "FromGrid", attrs: { to: type.dtype } });
    });
    const results = constant && this.movedConstant(node, constant);
    if (!results && constant?.quant && constant.quant.scale.length > 1) {
      for (const output of node.outputs) this.dequantized.delete(output);
      return undefined;
    }
    if (!results) return [{ ...node, inputs: [integers, ...others], outputs }, ...back];
    outputs.forEach((output, i) => {
      this.addConstant(output, results[i]);
    });
    return back;
  }

  /** Integers of a constant as the node moves them; undefined where that is known only at run time, or their grid's axis would not survive. */
  private movedConstant(node: Node, { quant, ...plain }: Tensor): readonly Tensor[] | undefined {
    const inputs = node.inputs.map((name, i) => (i === 0 ? plain : this.constants.get(name)));
    if (node.inputs.some((name, i) => name !== "" && !inputs[i])) return undefined;
    const results = evaluateNode(node, inputs);
    if (!quant || quant.scale.length === 1) return results.map((result) => ({ ...result, quant }));
    if (results.length > 1) return undefined;
    const grid = quant.block ? movedBlocks(node, plain.shape, quant, quant.block) : movedSlices(node, plain.shape, results[0].shape, quant);
    return grid && [{ ...results[0], quant: grid }];
  }

  /** The node as it computes on grids, or undefined where it cannot. */
  private integer(node: Node): Node[] | undefined {
    const rule = opOf(node.op)?.quantize;
    if (!rule || node.quant || node.outputs.length !== 1) return undefined;
    const quantizer = this.quantizerOf(node.outputs[0]);
    const inputs = rule.kind === "linear" ? this.linearInputs(node, rule) : quantizer && this.gridInputs(node, rule);
    if (!inputs) return undefined;
    if (!quantizer) return [{ ...node, inputs }];
    this.absorbed.add(quantizer.name);
    return [{ ...node, inputs, outputs: quantizer.outputs, quant: quantizer.quant }];
  }

  /** The QuantizeLinear that alone reads a value. */
  private quantizerOf(value: string): Node | undefined {
    const [reader, ...others] = this.consumers.get(value) ?? [];
    const alone = reader?.op === "QuantizeLinear" && others.length === 0 && !this.graph.outputs.includes(value);
    return alone ? reader : undefined;
  }

  private linearInputs(node: Node, rule: Extract<QuantizeRule, { kind: "linear" }>): string[] | undefined {
    const [x, w, bias] = node.inputs;
    const [a, stored] = [this.dequantized.get(x), this.dequantized.get(w)];
    const weights = stored === undefined ? undefined : this.constants.get(stored);
    if (a === undefined || stored === undefined || !weights || this.constants.has(a)) return undefined;
    const axis = axisOfOutputs(node, rule, weights);
    if (axis === undefined || (weights.data.length / weights.shape[axis]) * LARGEST_PRODUCT > LARGEST_SUM) return undefined;
    if (!bias) return [a, stored];
    const onGrid = this.dequantized.get(bias);
    const biases = onGrid === undefined ? this.constants.get(bias) : this.constants.get(onGrid);
    if (!biases) return undefined;
    if (!biases.quant) return [a, stored, bias];
    const real = this.fresh(`${bias}.real`);
    this.addConstant(real, dequantizeTensor(biases));
    return [a, stored, real];
  }

  /** Inputs of an operator that is not linear, all reals among them on grids; a constant of one value has a grid that holds it exactly. */
  private gridInputs(node: Node, rule: QuantizeRule): string[] | undefined {
    const first = this.dequantized.get(node.inputs[0]);
    if (rule.kind === "table") {
      const known = node.inputs.slice(1).every((input) => input === "" || this.constants.has(input));
      return known && first !== undefined && !this.constants.has(first) ? [first, ...node.inputs.slice(1)] : undefined;
    }
    const inputs = node.inputs.map((input) => {
      if (input === "" || this.types.get(input)!.dtype !== "f32") return input;
      return this.dequantized.get(input) ?? this.singleValue(input);
    });
    const computed = inputs.some((input, i) => input !== node.inputs[i] && !this.constants.has(input ?? ""));
    return computed && inputs.every((input) => input !== undefined && !this.types.get(input)?.quant?.axis)
      ? (inputs as string[])
      : undefined;
  }

  private singleValue(input: string): string | undefined {
    const constant = this.constants.get(input);
    const value = constant?.data[0];
    if (!constant || !value || !Number.isFinite(value) || constant.data.some((v) => v !== value)) return undefined;
    const quant = { scale: Float32Array.of(Math.abs(value)), zero: 0 };
    const name = this.fresh(`${input}.q`);
    this.addConstant(name, { dtype: "i8", shape: constant.shape, quant, data: new Int8Array(constant.data.length).fill(Math.sign(value)) });
    return name;
  }

  private addConstant(name: string, value: Tensor): void {
    this.constants.set(name, value);
    this.types.set(name, typeOf(value));
  }

  private push(...nodes: Node[]): void {
    for (const node of nodes) {
      const { types } = inferNode(
        node,
        (name) => this.types.get(name),
        (name) => this.constants.get(name),
      );
      node.outputs.forEach((output, i) => {
        this.types.set(output, types[i]);
      });
      this.nodes.push(node);
    }
  }
}

/** The axis of weights that outputs lie along, where their grid suits an integer layer. */
function axisOfOutputs(node: Node, rule: Extract<QuantizeRule, { kind: "linear" }>, weights: Tensor): number | undefined {
  const axis = rule.axis(node, weights);
  const { scale, zero, axis: own, block } = weights.quant!;
  const suits = block ? block.axis === rule.blockAxis?.(node, weights) : scale.length === 1 || own === axis;
  return zero === 0 && suits ? axis : undefined;
}

/** Whether a layer reads a constant as weights that can stay stored on their grid. */
function readsStored(reader: Node, value: string, stored: Tensor): boolean {
  const rule = opOf(reader.op)?.quantize;
  const once = reader.inputs.every((input, i) => (input === value) === (i === 1));
  return once && rule?.kind === "linear" && axisOfOutputs(reader, rule, stored) !== undefined;
}

function movedSlices(node: Node, from: Shape, to: Shape, quant: Quant): Quant | undefined {
  const axis = movedAxis(node, from, to, quant.axis!);
  return axis === undefined ? undefined : { ...quant, axis };
}

/** The grid of transposed weights; blocks do not survive another movement. */
function movedBlocks(node: Node, from: Shape, quant: Quant, block: Block): Quant | undefined {
  if (node.op !== "Transpose") return undefined;
  const [{ data }] = evaluateNode(node, [f32(quant.scale, blockedShape(from, block))]);
  const axis = permutationOf(node, { dtype: "i8", shape: from }).indexOf(block.axis);
  return { ...quant, scale: Float32Array.from(data), block: { ...block, axis } };
}

/** Where an axis lies after a Transpose, or after a Reshape: with as many places, and as many before it. */
function movedAxis(node: Node, from: readonly number[], to: readonly number[], axis: number): number | undefined {
  if (node.op === "Transpose") return permutationOf(node, { dtype: "i8", shape: from }).indexOf(axis);
  if (node.op !== "Reshape") return undefined;
  const before = elementCount(from.slice(0, axis));
  const found = to.findIndex((d, i) => d === from[axis] && elementCount(to.slice(0, i)) === before);
  return found < 0 ? undefined : found;
}

/** A Pad whose value is not 0 has integers of its own. */
function padsWithZero(node: Node, constants: ReadonlyMap<string, Tensor>): boolean {
  return node.op !== "Pad" || !node.inputs[2] || constants.get(node.inputs[2])?.data[0] === 0;
}
