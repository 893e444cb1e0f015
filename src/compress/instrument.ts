/** A model of which more can be seen than its outputs. */
import type { ItemData } from "../data/dataset.ts";
import type { Pack, Preprocess } from "../format/image.ts";
import type { Graph } from "../graph/graph.ts";
import { planGraph } from "../plan/plan.ts";
import { Model } from "../run/model.ts";
import { instantiate } from "../run/wasm.ts";

export interface Instrumented {
  /** Every observed value of one inference. */
  run(item: Record<string, ItemData>): Map<string, ArrayLike<number>>;
  dispose(): void;
}

/** Plans the graph with `values` as its outputs. Values that are inputs of the graph are handed through. */
export async function instrument(graph: Graph, values: readonly string[], preprocess?: Preprocess): Promise<Instrumented> {
  const model = await place(planGraph({ ...graph, outputs: values }, { preprocess }).pack);
  return {
    run: (item) => new Map(Object.entries(model.run(item))),
    dispose: () => model.dispose(),
  };
}

const PAGE = 65536;

/** What `load` makes of a file, without the file: regions are copied to where they belong, and nothing is coded. */
async function place({ meta, regions }: Pack): Promise<Model> {
  const kernels = await instantiate();
  const pages = Math.ceil((Math.max(meta.memory, meta.image) - kernels.memory.buffer.byteLength) / PAGE);
  if (pages > 0) kernels.memory.grow(pages);
  const bytes = new Uint8Array(kernels.memory.buffer);
  for (const { at, data, expand } of regions) {
    const image = expand
      ? Float32Array.from(data, (q, i) => q * expand.scale[Math.floor(i / expand.block) * expand.lanes + (i % expand.lanes)])
      : data;
    bytes.set(new Uint8Array(image.buffer, image.byteOffset, image.byteLength), at);
  }
  return new Model(meta, kernels);
}
