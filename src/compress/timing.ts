/** How long an inference takes here. */
import type { DataItem } from "../data/index.ts";
import type { Preprocess } from "../format/image.ts";
import type { Graph } from "../graph/graph.ts";
import { instrument } from "./instrument.ts";

const WARM_MS = 300;
const MEASURED_MS = 500;
const FEWEST = 5;

/** Median of an inference in milliseconds, once the engine has compiled what it will. */
export async function medianMs(graph: Graph, item: DataItem, preprocess: Preprocess | undefined): Promise<number> {
  const model = await instrument(graph, graph.outputs, preprocess);
  try {
    const warm = performance.now() + WARM_MS;
    do model.run(item);
    while (performance.now() < warm);
    const times: number[] = [];
    const end = performance.now() + MEASURED_MS;
    while (times.length < FEWEST || performance.now() < end) {
      const start = performance.now();
      model.run(item);
      times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b)[times.length >> 1];
  } finally {
    model.dispose();
  }
}
