/** Lowering: walks the graph and lets each operator write its records into an unplaced plan. */
import { JumpBelowField, JumpField, JumpIfField } from "../../assembly/shared/control.ts";
import { Header, Op } from "../../assembly/shared/plan.ts";
import { EdgepackError } from "../errors.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { opOf } from "../ops/index.ts";
import type { FieldsOf, LinearKernel, LinearWords, Lowering, Place, RecordFields, WeightMatrix, Word } from "../ops/lowering.ts";
import { DTYPES, dequantizeTensor, elementCount, type Tensor, type TensorType } from "../tensor/index.ts";
import { Buffers, type Expansion, type ImageData, isPlace } from "./buffers.ts";
import { Jumps } from "./jumps.ts";
import { lowerLinear } from "./linear.ts";

/** One record, its addresses still places. */
export interface PlanRecord {
  readonly words: readonly Word[];
}

/** The records that one node became; those of its subgraphs' nodes are among them. */
export interface LayerRecords {
  readonly node: Node;
  /** The graph that the node stands in. */
  readonly graph: Graph;
  /** How often an inference runs them at most, as far as that is known. */
  readonly times: number;
  readonly first: number;
  readonly end: number;
  /** Image buffers that its records read. */
  readonly images: readonly number[];
}

export interface LoweredPlan {
  readonly records: readonly PlanRecord[];
  readonly layers: readonly LayerRecords[];
  readonly buffers: Buffers;
  /** Places of the graph's inputs and outputs. */
  readonly ports: ReadonlyMap<string, Place>;
  /** Where the run leaves how much of a bounded value there is, as an i32. */
  readonly lengths: ReadonlyMap<string, Place>;
}

/** Names of one graph: its constants, and the places of its values as far as they have any. */
interface Scope {
  readonly graph: Graph;
  readonly stored: Map<string, Tensor>;
  readonly places: Map<string, Place>;
  readonly lengths: Map<string, Place>;
}

const scopeOf = (graph: Graph, constants: Iterable<[string, Tensor]> = []): Scope => ({
  graph,
  stored: storedConstants(graph, constants),
  places: new Map(),
  lengths: new Map(),
});

/** Lowers a graph that has been inferred; every node must have kernels, or all that have none are reported (ONNX_UNSUPPORTED). */
export function lowerGraph(graph: Graph): LoweredPlan {
  const buffers = new Buffers();
  const jumps = new Jumps();
  const records: Word[][] = [];
  const layers: LayerRecords[] = [];
  const problems: string[] = [];
  let images = new Set<number>();
  let times = 1;

  const typeOf = ({ graph: { types } }: Scope, value: string): TensorType => {
    const type = types.get(value);
    if (!type) throw new RangeError(`${value} has no type`);
    return type;
  };
  const image = (data: ImageData): Place => buffers.image(data, true);
  const placeOf = (scope: Scope, value: string): Place => {
    let place = scope.places.get(value);
    if (!place) {
      const constant = scope.stored.get(value);
      const type = typeOf(scope, value);
      const expand = constant && expansionOf(constant, type);
      if (expand) place = buffers.image(constant.data as ImageData, false, expand);
      else place = constant ? image(runtimeData(constant, type)) : buffers.arena(byteLength(type));
      scope.places.set(value, place);
    }
    return place;
  };

  const lowerBody = (scope: Scope, inner: Graph, inputs: readonly (string | Place)[]): readonly Place[] => {
    const given = inner.inputs.map((name, i) => [name, inputs[i]] as const);
    const constants = given.flatMap(([name, input]): [string, Tensor][] => {
      const constant = typeof input === "string" ? scope.stored.get(input) : undefined;
      return constant ? [[name, constant]] : [];
    });
    const within = scopeOf(inner, constants);
    for (const [name, input] of given)
      if (!within.stored.has(name)) within.places.set(name, typeof input === "string" ? placeOf(scope, input) : input);
    lowerNodes(within);
    return inner.outputs.map((output) => placeOf(within, output));
  };

  const lowering = (node: Node, scope: Scope): Lowering => {
    const ctx: Lowering = {
      node,
      type: (value) => typeOf(scope, value),
      constant: (value) => scope.stored.get(value),
      place: (value) => placeOf(scope, value),
      alias: (input, output) => void scope.places.set(output, placeOf(scope, input)),
      measured: (output, length) => void scope.lengths.set(output, length),
      scratch: (bytes) => buffers.arena(bytes),
      image,
      linear: (kernel: LinearKernel, input: string, matrix: WeightMatrix, bias: Tensor | undefined): LinearWords =>
        lowerLinear(ctx, buffers, kernel, input, matrix, bias),
      emit: (op, fields) => {
        const read = scope.graph.types.get(node.inputs[0]);
        if (read && read.dtype !== "f32" && takesReals(op)) throw new RangeError(`there is no kernel for ${read.dtype}`);
        const words = recordWords(op, fields);
        for (const word of words) {
          if (!isPlace(word)) continue;
          buffers.touch(word.buffer, records.length);
          if (buffers.all[word.buffer].kind === "image") images.add(word.buffer);
        }
        records.push(words);
      },
      body: (inner, inputs) => lowerBody(scope, inner, inputs),
      label: () => jumps.label(),
      mark: (label) => jumps.mark(label, records.length),
      jump: (to) => {
        jumps.add(to, records.length);
        ctx.emit(Op.jump, { [JumpField.words]: 0 });
      },
      jumpIf: (to, condition, value) => {
        jumps.add(to, records.length);
        ctx.emit(Op.jump_if, {
          [JumpIfField.words]: 0,
          [JumpIfField.cond]: condition,
          [JumpIfField.size]: 1,
          [JumpIfField.value]: Number(value),
        });
      },
      jumpBelow: (to, a, b) => {
        jumps.add(to, records.length);
        ctx.emit(Op.jump_below, { [JumpBelowField.words]: 0, [JumpBelowField.a]: a, [JumpBelowField.b]: b });
      },
      repeated: (most, write) => {
        const first = records.length;
        const around = times;
        times *= most;
        write();
        times = around;
        buffers.repeat(first, records.length - 1);
      },
    };
    return ctx;
  };

  const lowerNodes = (scope: Scope): void => {
    const around = images;
    for (const node of scope.graph.nodes) {
      if (node.outputs.every((output) => scope.stored.has(output))) continue;
      const [first, layer] = [records.length, layers.length];
      images = new Set();
      try {
        const { lower } = opOf(node.op) ?? {};
        if (!lower) throw new RangeError("it has no kernel and depends on data that is known only when the model runs");
        lower(lowering(node, scope));
        for (const output of node.outputs)
          if (typeOf(scope, output).bound && !scope.lengths.has(output)) scope.lengths.set(output, lengthOf(node, scope.lengths));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        problems.push(`${node.op} "${node.name}": ${error.message}`);
      }
      layers.splice(layer, 0, { node, graph: scope.graph, times, first, end: records.length, images: [...images] });
    }
    images = around;
  };

  const outer = scopeOf(graph);
  for (const input of graph.inputs) buffers.touch(placeOf(outer, input).buffer, 0);
  lowerNodes(outer);
  if (problems.length > 0) {
    throw new EdgepackError(
      "ONNX_UNSUPPORTED",
      "These operators cannot be run; change them in the model or export it another way:",
      problems,
    );
  }
  for (const output of graph.outputs)
    for (const place of [placeOf(outer, output), outer.lengths.get(output)]) if (place) buffers.touch(place.buffer, records.length);
  buffers.settle();
  jumps.settle(records);
  const ports = new Map([...graph.inputs, ...graph.outputs].map((value) => [value, placeOf(outer, value)]));
  return { records: records.map((words) => ({ words })), layers, buffers, ports, lengths: outer.lengths };
}

const REAL_SAMPLERS: ReadonlySet<Op> = new Set([Op.resample, Op.grid_sample, Op.roi_align, Op.non_max_suppression]);

/** Whether a kernel reads f32 whatever the node's types are. */
function takesReals(op: Op): boolean {
  return Op[op].startsWith("f32_") || op === Op.qs8_quantize || op === Op.qs8_quantize_dynamic || REAL_SAMPLERS.has(op);
}

/** The length that a node's outputs have from its inputs. */
function lengthOf(node: Node, lengths: ReadonlyMap<string, Place>): Place {
  const found = new Set(node.inputs.flatMap((input) => lengths.get(input) ?? []));
  if (found.size !== 1) throw new RangeError("its inputs have lengths that depend on different data");
  return [...found][0];
}

/** Constants, and the dequantized forms of those that are stored on a grid. */
function storedConstants(graph: Graph, more: Iterable<[string, Tensor]>): Map<string, Tensor> {
  const stored = new Map([...graph.constants, ...more]);
  for (const node of graph.nodes) {
    const source = node.op === "DequantizeLinear" ? stored.get(node.inputs[0]) : undefined;
    if (source) stored.set(node.outputs[0], source);
  }
  return stored;
}

function recordWords<K extends keyof FieldsOf>(op: Op, fields: RecordFields<K>): Word[] {
  const entries = Object.entries(fields as Record<string, Word>);
  const words = new Array<Word>(2 + entries.length).fill(0);
  words[Header.op] = op;
  words[Header.words] = words.length;
  for (const [field, word] of entries) words[Number(field)] = word;
  return words;
}

function byteLength(type: TensorType): number {
  return Math.max(1, elementCount(type.shape) * DTYPES[type.dtype].bytes);
}

/** How a matrix of reals that is stored on a grid is expanded: its scales lie along rows or columns. */
function expansionOf({ quant, shape }: Tensor, { dtype }: TensorType): Expansion | undefined {
  if (dtype !== "f32" || quant?.axis === undefined || shape.length !== 2) return undefined;
  const [rows, columns] = shape;
  return quant.axis === 0
    ? { scale: quant.scale, lanes: 1, block: columns }
    : { scale: quant.scale, lanes: columns, block: rows * columns };
}

/** A constant as the kernels read it: reals dense, i64 narrowed. Throws RangeError where an i64 does not fit. */
function runtimeData(tensor: Tensor, type: TensorType): ImageData {
  const { data } = type.dtype === "f32" && tensor.quant ? dequantizeTensor(tensor) : tensor;
  if (!(data instanceof Float64Array)) return data;
  const narrow = Int32Array.from(data);
  const lost = data.findIndex((v, i) => v !== narrow[i]);
  if (lost >= 0) throw new RangeError(`the 64-bit integer ${data[lost]} does not fit 32 bits`);
  return narrow;
}
