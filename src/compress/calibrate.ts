/** Calibration: runs the f32 model on samples and chooses a grid for every value. */
import { type Dataset, readItems } from "../data/index.ts";
import type { Preprocess } from "../format/image.ts";
import type { Graph } from "../graph/graph.ts";
import type { Quant } from "../tensor/index.ts";
import { emptyRanges, type Histogram, histogramOf, observeCounts, observeItem, type Ranges } from "./histogram.ts";
import { type Instrumented, instrument } from "./instrument.ts";
import { gridOf, NEEDS_COUNTS, type Observer } from "./observers.ts";

/** f32 values that the graph computes or is given, in order. */
export function realValues(graph: Graph): string[] {
  return [...graph.inputs, ...graph.nodes.flatMap((node) => node.outputs)].filter((value) => graph.types.get(value)?.dtype === "f32");
}

export interface CalibrationOptions {
  /** How raw bytes among the data become the model's input. */
  readonly preprocess?: Preprocess;
  readonly indices: readonly number[];
  readonly observer: Observer;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Grids of all f32 values, from the items at `indices`. Two passes over the data: ranges, then histograms over them, where the
 * observer needs them.
 */
export async function calibrate(graph: Graph, data: Dataset, options: CalibrationOptions): Promise<Map<string, Quant>> {
  const values = realValues(graph);
  const model = await instrument(graph, values, options.preprocess);
  try {
    const ranges = new Map<string, Ranges>(values.map((value) => [value, emptyRanges()]));
    const passes = NEEDS_COUNTS.has(options.observer.kind) ? 2 : 1;
    const visit = (pass: number, observe: (value: string, data: ArrayLike<number>) => void): Promise<void> =>
      observeItems(model, data, options, pass, passes, observe);

    await visit(0, (value, elements) => observeItem(ranges.get(value)!, elements));
    const histograms = new Map<string, Histogram>(values.map((value) => [value, histogramOf(ranges.get(value)!)]));
    if (passes === 2) await visit(1, (value, elements) => observeCounts(histograms.get(value)!, elements));
    return new Map(values.map((value) => [value, gridOf(histograms.get(value)!, options.observer)]));
  } finally {
    model.dispose();
  }
}

async function observeItems(
  model: Instrumented,
  data: Dataset,
  { indices, onProgress }: CalibrationOptions,
  pass: number,
  passes: number,
  observe: (value: string, data: ArrayLike<number>) => void,
): Promise<void> {
  let done = 0;
  for await (const item of readItems(data, indices)) {
    for (const [value, elements] of model.run(item)) observe(value, elements);
    onProgress?.(pass * indices.length + ++done, passes * indices.length);
  }
}
