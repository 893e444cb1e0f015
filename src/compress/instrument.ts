/** A model of which more can be seen than its outputs. */
import type { ItemData } from "../data/dataset.ts";
import type { Preprocess } from "../format/image.ts";
import { writeEpk } from "../format/index.ts";
import type { Graph } from "../graph/graph.ts";
import { planGraph } from "../plan/plan.ts";
import { load } from "../run/index.ts";

export interface Instrumented {
  /** Every observed value of one inference. */
  run(item: Record<string, ItemData>): Map<string, ArrayLike<number>>;
  dispose(): void;
}

/** Plans the graph with `values` as its outputs. Values that are inputs of the graph are handed through. */
export async function instrument(graph: Graph, values: readonly string[], preprocess?: Preprocess): Promise<Instrumented> {
  const { pack } = planGraph({ ...graph, outputs: values }, { preprocess });
  const model = await load(writeEpk(pack));
  return {
    run: (item) => new Map(Object.entries(model.run(item))),
    dispose: () => model.dispose(),
  };
}
