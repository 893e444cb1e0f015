/** From a graph to a pack: lowering, memory, addresses, and the regions of the image. */
import { Header, IMAGE_START, Op } from "../../assembly/shared/plan.ts";
import { EdgepackError } from "../errors.ts";
import type { InputPort, OutputPort, Pack, Port, Preprocess, Region } from "../format/image.ts";
import { MEMORY_LIMIT } from "../format/meta.ts";
import type { Graph, Node } from "../graph/graph.ts";
import type { Place, Word } from "../ops/lowering.ts";
import { type ArenaBuffer, type Buffers, isPlace } from "./buffers.ts";
import { lowerGraph, type PlanRecord } from "./lower.ts";
import { align, planMemory } from "./memory.ts";
import { isSparse } from "./pack-sparse.ts";

export interface PlanOptions {
  readonly name?: string;
  readonly preprocess?: Preprocess;
  readonly labels?: readonly string[];
}

/** What one node cost: its records by number and the regions of the image that only weights it reads lie in. */
export interface PlannedLayer {
  readonly node: Node;
  /** The graph that the node stands in: the model's, or a subgraph; and how often an inference runs it at most, as far as that is known. */
  readonly graph: Graph;
  readonly times: number;
  readonly records: number;
  /** The kernel that skips zeros among its weights, where one does. */
  readonly sparse?: string;
  /** Indices into `pack.regions` of the layer's weights. */
  readonly regions: readonly number[];
}

export interface Plan {
  readonly pack: Pack;
  readonly layers: readonly PlannedLayer[];
  readonly words: number;
  /** Arena in bytes, and the least that any layout could have. */
  readonly arena: { readonly bytes: number; readonly lowerBound: number };
}

/** Throws EdgepackError ONNX_UNSUPPORTED where nodes have no kernels, LIMIT where the model is too large for wasm memory. */
export function planGraph(graph: Graph, options: PlanOptions = {}): Plan {
  const lowered = lowerGraph(graph);
  const { buffers } = lowered;
  const planBytes = 4 * (lowered.records.reduce((n, record) => n + record.words.length, 0) + 1);

  const image = layOutImage(buffers, align(IMAGE_START + planBytes));
  const arenaIds = buffers.all.flatMap((buffer, id) => (buffer.kind === "arena" && buffer.first <= buffer.last ? [id] : []));
  const memory = planMemory(arenaIds.map((id) => buffers.all[id] as ArenaBuffer));
  const addresses = new Map(image.addresses);
  for (const [i, id] of arenaIds.entries()) addresses.set(id, image.end + memory.offsets[i]);

  const bytes = image.end + memory.bytes;
  if (bytes >= MEMORY_LIMIT)
    throw new EdgepackError(
      "LIMIT",
      `The model needs ${bytes} bytes of memory, ${memory.bytes} of them for values alive at once; ${MEMORY_LIMIT} are there. Smaller inputs (--shape) need less.`,
    );
  const addressOf = ({ buffer, offset }: Place): number => addresses.get(buffer)! + offset;
  const words = Int32Array.from([
    ...lowered.records.flatMap((record) => record.words.map((word: Word) => (isPlace(word) ? addressOf(word) : word))),
    Op.end,
  ]);
  const regions: Region[] = [{ at: IMAGE_START, data: words }, ...image.regions];
  const port = (value: string): Port => {
    const { dtype, shape } = graph.types.get(value)!;
    return { name: value, dtype: dtype === "i64" ? "i32" : dtype, shape: [...shape], at: addressOf(lowered.ports.get(value)!) };
  };
  const outputPort = (value: string): OutputPort => {
    const { bound } = graph.types.get(value)!;
    const length = lowered.lengths.get(value);
    return { ...port(value), ...(bound && length && { bound: bound.axis, length: addressOf(length) }) };
  };
  return {
    pack: {
      meta: {
        name: options.name ?? graph.name,
        inputs: graph.inputs.map((value): InputPort => withPreprocess(port(value), options.preprocess)),
        outputs: graph.outputs.map(outputPort),
        ...(options.labels && { labels: options.labels }),
        plan: IMAGE_START,
        image: image.end,
        memory: bytes,
      },
      regions,
    },
    layers: lowered.layers.map(({ node, graph, times, first, end, images }) => ({
      node,
      graph,
      times,
      records: end - first,
      sparse: lowered.records.slice(first, end).flatMap(sparseKernel)[0],
      regions: images.flatMap((id) => (image.weightRegions.has(id) ? [image.weightRegions.get(id)! + 1] : [])),
    })),
    words: words.length,
    arena: { bytes: memory.bytes, lowerBound: memory.lowerBound },
  };
}

function sparseKernel({ words }: PlanRecord): string[] {
  const op = words[Header.op] as Op;
  return isSparse(op) ? [Op[op]] : [];
}

/** Preprocessing belongs to inputs that look like images: f32, 4-D, with as many channels as means. */
function withPreprocess(port: Port, preprocess: Preprocess | undefined): InputPort {
  if (!preprocess || port.dtype !== "f32" || port.shape.length !== 4) return port;
  const channels = port.shape[preprocess.layout === "nhwc" ? 3 : 1];
  return channels === preprocess.mean.length ? { ...port, preprocess } : port;
}

interface ImageLayout {
  readonly regions: readonly Region[];
  readonly addresses: ReadonlyMap<number, number>;
  /** Region of each unpooled buffer. */
  readonly weightRegions: ReadonlyMap<number, number>;
  readonly end: number;
}

/** Pools first, one region for each type of array, then weights in the order in which the plan reads them. What is empty has no region. */
function layOutImage(buffers: Buffers, start: number): ImageLayout {
  const images = buffers.all.flatMap((buffer, id) => (buffer.kind === "image" ? [{ id, buffer }] : []));
  const regions: Region[] = [];
  const addresses = new Map<number, number>();
  const weightRegions = new Map<number, number>();
  let at = start;
  for (const kind of [Float32Array, Int32Array, Int8Array, Uint8Array]) {
    const members = images.filter(({ buffer }) => buffer.pooled && buffer.data instanceof kind);
    if (members.length === 0) continue;
    const step = (length: number): number => align(length * kind.BYTES_PER_ELEMENT) / kind.BYTES_PER_ELEMENT;
    const data = new kind(members.reduce((n, { buffer }) => n + step(buffer.data.length), 0));
    let offset = 0;
    for (const { id, buffer } of members) {
      data.set(buffer.data, offset);
      addresses.set(id, at + offset * kind.BYTES_PER_ELEMENT);
      offset += step(buffer.data.length);
    }
    if (data.length > 0) regions.push({ at, data });
    at += data.byteLength;
  }
  for (const { id, buffer } of images.filter(({ buffer }) => !buffer.pooled)) {
    addresses.set(id, at);
    if (buffer.data.length === 0) continue;
    weightRegions.set(id, regions.length);
    const { data, expand, panels } = buffer;
    regions.push({ at, data, ...(expand && { expand }), ...(panels && { panels }) });
    at = align(at + (buffer.expand ? 4 * buffer.data.length : buffer.data.byteLength));
  }
  return { regions, addresses, weightRegions, end: at };
}
