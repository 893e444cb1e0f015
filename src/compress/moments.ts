/** Second moments of what linear layers read: how their weights' rounding errors show in their outputs. */
import { type Dataset, readItems } from "../data/index.ts";
import type { Preprocess } from "../format/image.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { Gram, type GramKernel, gramKernel } from "./gram.ts";
import { instrument } from "./instrument.ts";
import { type LayerView, layerView } from "./layer-view.ts";

/**
 * XᵀX of a layer's input patches, symmetric: a k × k matrix for each group where k is at most LONGEST_BLOCK; for longer patches one for each
 * of their blocks (`blocksOf`), as if those were independent, the blocks of a group after each other.
 */
export type Moments = readonly Float64Array[];

/** Rows of the largest matrix: its factor takes a second. */
const LONGEST_BLOCK = 1024;

export interface Block {
  /** Place in the patch of its first element, and how many there are. */
  readonly first: number;
  readonly length: number;
}

/** A patch of length k in as few equal blocks as may be. */
export function blocksOf(k: number): readonly Block[] {
  const count = Math.ceil(k / LONGEST_BLOCK);
  const edge = (i: number): number => Math.round((i * k) / count);
  return Array.from({ length: count }, (_, i) => ({ first: edge(i), length: edge(i + 1) - edge(i) }));
}

/** Patches wanted of each layer, spread over all items: a few times as many as a patch is long. */
const PATCHES = 4096;

export interface MomentsOptions {
  readonly indices: readonly number[];
  readonly preprocess?: Preprocess;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Moments of the inputs of `layers`, by node, from the f32 model's values on the items at `indices`. */
export async function inputMoments(
  graph: Graph,
  layers: readonly Node[],
  data: Dataset,
  { indices, preprocess, onProgress }: MomentsOptions,
): Promise<Map<Node, Moments>> {
  const kernels = new Map<number, GramKernel>();
  const collectors = new Map<Node, Collector>();
  for (const node of layers) {
    const view = layerView(graph, node);
    if (!view) continue;
    for (const { length } of blocksOf(view.k)) if (!kernels.has(length)) kernels.set(length, await gramKernel(length));
    collectors.set(node, new Collector(view, kernels, indices.length));
  }
  if (collectors.size === 0) return new Map();
  const model = await instrument(graph, [...new Set([...collectors.keys()].map((node) => node.inputs[0]))], preprocess);
  try {
    let item = 0;
    for await (const inputs of readItems(data, indices)) {
      const values = model.run(inputs);
      for (const [node, collector] of collectors) collector.add(values.get(node.inputs[0])!, item);
      item++;
      onProgress?.(item, indices.length);
    }
    return new Map([...collectors].map(([node, collector]) => [node, collector.moments()]));
  } finally {
    model.dispose();
    for (const kernel of kernels.values()) kernel?.dispose();
  }
}

/** Every how manyth patch of an inference is taken, when there are so many items. */
const stepOf = (view: LayerView, items: number): number => Math.max(1, Math.floor((view.patches * items) / PATCHES));

/** Patches that moments of so many items are sums over, on average for one item. */
export const patchesPerItem = (view: LayerView, items: number): number => view.patches / stepOf(view, items);

/** Takes patches of one layer's input. */
class Collector {
  readonly #view: LayerView;
  readonly #blocks: readonly Block[];
  /** By group, then by block. */
  readonly #grams: readonly (readonly Gram[])[];
  readonly #patch: Float64Array;
  readonly #step: number;

  constructor(view: LayerView, kernels: ReadonlyMap<number, GramKernel>, items: number) {
    this.#view = view;
    this.#blocks = blocksOf(view.k);
    this.#grams = Array.from({ length: view.groups }, () => this.#blocks.map(({ length }) => new Gram(length, kernels.get(length))));
    this.#patch = new Float64Array(view.k);
    this.#step = stepOf(view, items);
  }

  /** Evenly spaced patches, from another start in each item; those with NaN or infinities are left out. */
  add(x: ArrayLike<number>, item: number): void {
    for (let index = (item * 7919) % this.#step; index < this.#view.patches; index += this.#step) {
      for (let group = 0; group < this.#view.groups; group++) {
        this.#view.patch(x, group, index, this.#patch);
        if (!this.#patch.every(Number.isFinite)) continue;
        this.#blocks.forEach(({ first, length }, block) => {
          this.#grams[group][block].add(this.#patch.subarray(first, first + length));
        });
      }
    }
  }

  moments(): Moments {
    return this.#grams.flat().map((gram) => {
      gram.flush();
      return gram.matrix;
    });
  }
}
