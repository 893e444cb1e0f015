import { freshNames } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { ELEMENT_CODES } from "../ops/element-type.ts";
import { opOf } from "../ops/index.ts";
import { epilogueOf, linearForm } from "../ops/linear.ts";
import { makeNode } from "../ops/node.ts";
import { inferTypes } from "../semantics/infer.ts";
import { f32, type Quant, type Tensor, type TensorType, tensor } from "../tensor/index.ts";

/**
 * The graph with its grids as ONNX writes them. An operator that computes on grids becomes the real one between DequantizeLinear and QuantizeLinear;
 * weights stay integers, dequantized per channel, and the bias of an integer layer becomes the i32 that it adds. A layer that quantizes its input
 * while it runs becomes DynamicQuantizeLinear, the product of integers, and its scaling. Values keep their names.
 */
export function withoutGrids(graph: Graph, activations: Activations = "i8"): Graph {
  const pass = new Writer(graph, activations);
  for (const node of graph.nodes) pass.visit(node);
  return pass.finish();
}

/** Layers over integers, and how many dimensions follow that of the channels in what they write. */
const INTEGER_FORMS: Readonly<Record<string, { readonly op: string; readonly channels: number }>> = {
  MatMul: { op: "MatMulInteger", channels: 0 },
  Conv: { op: "ConvInteger", channels: 2 },
};

/** What integers of values are written as: `u8` are those of `i8` and 128, as their zero points are. */
export type Activations = "i8" | "u8";

class Writer {
  private readonly graph: Graph;
  private readonly activations: Activations;
  private readonly nodes: Node[] = [];
  private readonly constants: Map<string, Tensor>;
  private readonly fresh: (base: string) => string;
  /** Dequantized forms of integer values. */
  private readonly reals = new Map<string, string>();
  /** Integers, scale and zero point of values that are quantized while the model runs. */
  private readonly dynamics = new Map<string, readonly string[]>();

  constructor(graph: Graph, activations: Activations) {
    this.graph = graph;
    this.activations = activations;
    this.fresh = freshNames(graph);
    this.constants = new Map([...graph.constants].map(([name, { quant: _grid, ...plain }]) => [name, plain]));
  }

  visit(node: Node): void {
    const [input] = node.inputs;
    const [output] = node.outputs;
    const from = this.graph.types.get(input);
    if (node.op === "DequantizeLinear" && from?.quant) this.add("DequantizeLinear", input, from.quant, output, this.integers(input));
    else if (node.op === "QuantizeLinear" && node.quant)
      this.add("QuantizeLinear", this.real(input), node.quant, output, this.integers(output));
    else if (node.op === "ToGrid") this.wrap(input, from!, node.quant!, output);
    else if (node.op === "FromGrid") this.unwrap(input, from!.quant!, node.attrs.to as string, output);
    else if (!this.dynamic(node)) this.compute(node);
  }

  finish(): Graph {
    const types = new Map(this.graph.inputs.map((name) => [name, this.graph.types.get(name)!]));
    return inferTypes({ ...this.graph, nodes: this.nodes, constants: this.constants, types });
  }

  /** A layer that quantizes its input while it runs, step by step as ONNX has it; false where the node is none. */
  private dynamic(node: Node): boolean {
    const [input, weights, bias] = node.inputs;
    const [a, w] = [input, weights].map((value) => this.graph.types.get(value ?? ""));
    const form = INTEGER_FORMS[node.op];
    if (!form || !a || !w?.quant || w.quant.zero !== 0 || w.quant.block || linearForm(a, w, node.quant) !== "dynamic") return false;
    const { min, max } = node.attrs as Record<string, number>;
    const known = opOf(form.op)!.attrs;
    const attrs = Object.fromEntries(Object.entries(node.attrs).filter(([name]) => name in known));
    const [output] = node.outputs;
    const alongOutputs = (length: number): number[] => (form.channels === 0 ? [length] : [length, ...new Array(form.channels).fill(1)]);
    const { scale } = w.quant;
    const weightScale = this.constant(`${weights}.scale`, f32(scale, scale.length === 1 ? [] : alongOutputs(scale.length)));
    const [integers, step, zero] = this.quantized(input);
    const acc = this.step(form.op, output, [integers, weights, zero], attrs);
    const factor = this.step("Mul", output, [step, weightScale]);
    const steps: [op: string, others: readonly string[], attrs?: Node["attrs"]][] = [
      ["Cast", [], { to: ELEMENT_CODES.f32 }],
      ["Mul", [factor]],
    ];
    const biases = this.graph.constants.get(bias ?? "")?.data;
    if (biases) steps.push(["Add", [this.constant(`${bias}.real`, f32(Float32Array.from(biases), alongOutputs(biases.length)))]]);
    const bounds = [min, max].map((bound) => (Number.isFinite(bound) ? this.constant(`${output}.bound`, f32([bound], [])) : ""));
    if (bounds.some((bound) => bound !== "")) steps.push(["Clip", bounds]);
    steps.reduce((value, [op, others, attrs], i) => this.step(op, output, [value, ...others], attrs, i === steps.length - 1), acc);
    return true;
  }

  private quantized(value: string): readonly string[] {
    const known = this.dynamics.get(value);
    if (known) return known;
    const outputs = ["u8", "scale", "zero"].map((part) => this.fresh(`${value}.${part}`));
    this.nodes.push(
      makeNode({ op: "DynamicQuantizeLinear", name: this.fresh(`${value}/quantize`), inputs: [this.real(value)], outputs, attrs: {} }),
    );
    this.dynamics.set(value, outputs);
    return outputs;
  }

  /** A node of one output on the way to a value, or the last, which writes it. */
  private step(op: string, towards: string, inputs: readonly string[], attrs: Node["attrs"] = {}, last = false): string {
    const name = this.fresh(`${towards}/${op}`);
    const output = last ? towards : name;
    this.nodes.push(makeNode({ op, name, inputs, outputs: [output], attrs }));
    return output;
  }

  /** An operator on reals; outputs that were on grids are put there behind it. */
  private compute({ quant: _grid, ...node }: Node): void {
    const inputs = node.inputs.map((input) => this.real(input));
    const bias = this.biasOf({ ...node, quant: _grid });
    if (bias) inputs[2] = bias;
    const outputs = node.outputs.map((output) => (this.graph.types.get(output)?.quant ? this.fresh(`${output}.real`) : output));
    this.nodes.push({ ...node, inputs, outputs });
    node.outputs.forEach((output, i) => {
      const grid = this.graph.types.get(output)?.quant;
      if (grid) this.add("QuantizeLinear", outputs[i], grid, output, this.integers(output));
    });
  }

  /** The i32 bias of an integer layer, dequantized; undefined for all else. */
  private biasOf(node: Node): string | undefined {
    const [a, w] = node.inputs.map((input) => this.graph.types.get(input));
    const bias = this.graph.constants.get(node.inputs[2] ?? "");
    if (opOf(node.op)?.quantize?.kind !== "linear" || !bias || !a?.quant || !w?.quant || linearForm(a, w, node.quant) !== "integer")
      return undefined;
    const integers = epilogueOf(node, a, w, bias.data, bias.data.length).bias as Int32Array;
    const scales = Float32Array.from(integers, (_, c) => a.quant!.scale[0] * w.quant!.scale[w.quant!.scale.length === 1 ? 0 : c]);
    const name = this.constant(`${node.inputs[2]}.i`, tensor("i32", integers));
    const real = this.fresh(`${name}.real`);
    const scale = this.constant(`${name}.scale`, f32(scales));
    this.nodes.push(makeNode({ op: "DequantizeLinear", name: real, inputs: [name, scale], outputs: [real], attrs: { axis: 0 } }));
    return real;
  }

  /** The type that a value's integers are written as. Constants stay what they are, and so do the model's own integers. */
  private integers(value: string): Activations {
    const { constants, inputs, outputs } = this.graph;
    return constants.has(value) || inputs.includes(value) || outputs.includes(value) ? "i8" : this.activations;
  }

  private real(value: string): string {
    const grid = this.graph.types.get(value)?.quant;
    if (!grid) return value;
    let real = this.reals.get(value);
    if (real === undefined) {
      real = this.fresh(`${value}.real`);
      this.reals.set(value, real);
      this.add("DequantizeLinear", value, grid, real, this.integers(value));
    }
    return real;
  }

  /** Integers of the model's own inputs; those of u8 have another zero point. */
  private wrap(input: string, { dtype }: TensorType, grid: Quant, output: string): void {
    const real = this.fresh(`${output}.real`);
    this.add("DequantizeLinear", input, grid, real, dtype);
    this.add("QuantizeLinear", real, grid, output, this.integers(output));
  }

  private unwrap(input: string, grid: Quant, to: string, output: string): void {
    this.add("QuantizeLinear", this.real(input), grid, output, to);
  }

  private add(op: "QuantizeLinear" | "DequantizeLinear", input: string, { scale, zero, axis }: Quant, output: string, dtype: string): void {
    const shape = axis === undefined ? [] : [scale.length];
    const zeros = new Array<number>(scale.length).fill(dtype === "u8" ? zero + 128 : zero);
    const params = [
      this.constant(`${output}.scale`, f32(scale, shape)),
      this.constant(`${output}.zero`, tensor(dtype === "u8" ? "u8" : "i8", zeros, shape)),
    ];
    const attrs = axis === undefined ? {} : { axis };
    this.nodes.push(makeNode({ op, name: this.fresh(`${output}/${op}`), inputs: [input, ...params], outputs: [output], attrs }));
  }

  private constant(base: string, value: Tensor): string {
    const name = this.fresh(base);
    this.constants.set(name, value);
    return name;
  }
}
