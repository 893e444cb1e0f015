import { freshNames } from "../graph/edit.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { opOf } from "../ops/index.ts";
import { epilogueOf, linearForm } from "../ops/linear.ts";
import { makeNode } from "../ops/node.ts";
import { inferTypes } from "../semantics/infer.ts";
import { f32, type Quant, type Tensor, type TensorType, tensor } from "../tensor/index.ts";

/**
 * The graph with its grids as ONNX writes them. An operator that computes on grids becomes the real one between DequantizeLinear and QuantizeLinear;
 * weights stay integers, dequantized per channel, and the bias of an integer layer becomes the i32 that it adds. Values keep their names.
 */
export function withoutGrids(graph: Graph): Graph {
  const pass = new Writer(graph);
  for (const node of graph.nodes) pass.visit(node);
  return pass.finish();
}

class Writer {
  private readonly graph: Graph;
  private readonly nodes: Node[] = [];
  private readonly constants: Map<string, Tensor>;
  private readonly fresh: (base: string) => string;
  /** Dequantized forms of integer values. */
  private readonly reals = new Map<string, string>();

  constructor(graph: Graph) {
    this.graph = graph;
    this.fresh = freshNames(graph);
    this.constants = new Map([...graph.constants].map(([name, { quant: _grid, ...plain }]) => [name, plain]));
  }

  visit(node: Node): void {
    const [input] = node.inputs;
    const [output] = node.outputs;
    const from = this.graph.types.get(input);
    if (node.op === "DequantizeLinear" && from?.quant) this.add("DequantizeLinear", input, from.quant, output);
    else if (node.op === "QuantizeLinear" && node.quant) this.add("QuantizeLinear", this.real(input), node.quant, output);
    else if (node.op === "ToGrid") this.wrap(input, from!, node.quant!, output);
    else if (node.op === "FromGrid") this.unwrap(input, from!.quant!, node.attrs.to as string, output);
    else this.compute(node);
  }

  finish(): Graph {
    const types = new Map(this.graph.inputs.map((name) => [name, this.graph.types.get(name)!]));
    return inferTypes({ ...this.graph, nodes: this.nodes, constants: this.constants, types });
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
      if (grid) this.add("QuantizeLinear", outputs[i], grid, output);
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

  private real(value: string): string {
    const grid = this.graph.types.get(value)?.quant;
    if (!grid) return value;
    let real = this.reals.get(value);
    if (real === undefined) {
      real = this.fresh(`${value}.real`);
      this.reals.set(value, real);
      this.add("DequantizeLinear", value, grid, real);
    }
    return real;
  }

  /** Integers of the model's own inputs; those of u8 have another zero point. */
  private wrap(input: string, { dtype }: TensorType, grid: Quant, output: string): void {
    const real = this.fresh(`${output}.real`);
    this.add("DequantizeLinear", input, grid, real, dtype);
    this.add("QuantizeLinear", real, grid, output);
  }

  private unwrap(input: string, grid: Quant, to: string, output: string): void {
    this.add("QuantizeLinear", this.real(input), grid, output, to);
  }

  private add(op: "QuantizeLinear" | "DequantizeLinear", input: string, { scale, zero, axis }: Quant, output: string, dtype = "i8"): void {
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
