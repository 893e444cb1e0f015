/** Lowering: walks the graph and lets each operator write its records into an unplaced plan. */
import { Header, type Op } from "../../assembly/shared/plan.ts";
import { EdgepackError } from "../errors.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { opOf } from "../ops/index.ts";
import type { FieldsOf, LinearKernel, LinearWords, Lowering, Place, RecordFields, WeightMatrix, Word } from "../ops/lowering.ts";
import { DTYPES, dequantizeTensor, elementCount, type Tensor, type TensorType } from "../tensor/index.ts";
import { Buffers, type ImageData, isPlace } from "./buffers.ts";
import { lowerLinear } from "./linear.ts";

/** One record, its addresses still places. */
export interface PlanRecord {
  readonly words: readonly Word[];
}

/** The records that one node became. */
export interface LayerRecords {
  readonly node: Node;
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
}

/** The types of a graph that has been inferred; every node must have kernels, or all that have none are reported (ONNX_UNSUPPORTED). */
export function lowerGraph(graph: Graph): LoweredPlan {
  const buffers = new Buffers();
  const places = new Map<string, Place>();
  const records: PlanRecord[] = [];
  const layers: LayerRecords[] = [];
  const problems: string[] = [];
  const stored = storedConstants(graph);
  let images = new Set<number>();

  const typeOf = (value: string): TensorType => {
    const type = graph.types.get(value);
    if (!type) throw new RangeError(`${value} has no type`);
    return type;
  };
  const image = (data: ImageData): Place => buffers.image(data, true);
  const placeOf = (value: string): Place => {
    let place = places.get(value);
    if (!place) {
      const constant = stored.get(value);
      place = constant ? image(runtimeData(constant, typeOf(value))) : buffers.arena(byteLength(typeOf(value)));
      places.set(value, place);
    }
    return place;
  };

  const lowering = (node: Node): Lowering => {
    const ctx: Lowering = {
      node,
      type: typeOf,
      constant: (value) => stored.get(value),
      place: placeOf,
      alias: (input, output) => void places.set(output, placeOf(input)),
      scratch: (bytes) => buffers.arena(bytes),
      image,
      linear: (kernel: LinearKernel, input: string, matrix: WeightMatrix, bias: Tensor | undefined): LinearWords =>
        lowerLinear(ctx, buffers, kernel, input, matrix, bias),
      emit: (op, fields) => {
        const words = recordWords(op, fields);
        for (const word of words) {
          if (!isPlace(word)) continue;
          buffers.touch(word.buffer, records.length);
          if (buffers.all[word.buffer].kind === "image") images.add(word.buffer);
        }
        records.push({ words });
      },
    };
    return ctx;
  };

  for (const input of graph.inputs) buffers.touch(placeOf(input).buffer, 0);
  for (const node of graph.nodes) {
    const first = records.length;
    images = new Set();
    if (node.outputs.every((output) => stored.has(output))) continue;
    try {
      const { lower } = opOf(node.op) ?? {};
      if (!lower) throw new RangeError("it has no kernel and depends on data that is known only when the model runs");
      lower(lowering(node));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push(`${node.op} "${node.name}": ${error.message}`);
    }
    layers.push({ node, first, end: records.length, images: [...images] });
  }
  if (problems.length > 0) {
    throw new EdgepackError(
      "ONNX_UNSUPPORTED",
      "These operators cannot be run; change them in the model or export it another way:",
      problems,
    );
  }
  for (const output of graph.outputs) buffers.touch(placeOf(output).buffer, records.length);
  const ports = new Map([...graph.inputs, ...graph.outputs].map((value) => [value, placeOf(value)]));
  return { records, layers, buffers, ports };
}

/** Constants, and the dequantized forms of those that are stored on a grid. */
function storedConstants(graph: Graph): Map<string, Tensor> {
  const stored = new Map(graph.constants);
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

/** A constant as the kernels read it: reals dense, i64 narrowed. Throws RangeError where an i64 does not fit. */
function runtimeData(tensor: Tensor, type: TensorType): ImageData {
  const { data } = type.dtype === "f32" && tensor.quant ? dequantizeTensor(tensor) : tensor;
  if (!(data instanceof Float64Array)) return data;
  const narrow = Int32Array.from(data);
  const lost = data.findIndex((v, i) => v !== narrow[i]);
  if (lost >= 0) throw new RangeError(`the 64-bit integer ${data[lost]} does not fit 32 bits`);
  return narrow;
}
