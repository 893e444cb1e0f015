/** What is decided about a model before it is quantized, from what it does on data: how weights are rounded, and which values stay f32. */
import type { Dataset } from "../data/index.ts";
import type { Preprocess } from "../format/image.ts";
import type { Graph } from "../graph/graph.ts";
import { elementCount, type Quant, type Tensor } from "../tensor/index.ts";
import { inputMoments } from "./moments.ts";
import { type Decisions, integerNames, linearLayers } from "./quantize.ts";
import { roundWeights } from "./round.ts";
import { sensitiveValues } from "./sensitivity.ts";

/** Items that moments are taken from, at most. */
const MOMENT_ITEMS = 256;
/** Items that the outputs' noise is measured on, at most. */
const SENSITIVITY_ITEMS = 16;
/** A layer that computes in f32 keeps f32 weights where they are less than this share of all: they cost next to nothing. */
const SMALL = 0.01;

export interface DecideOptions {
  readonly indices: readonly number[];
  readonly preprocess?: Preprocess;
  readonly onProgress?: (done: number, total: number) => void;
}

export async function decide(graph: Graph, grids: ReadonlyMap<string, Quant>, data: Dataset, options: DecideOptions): Promise<Decisions> {
  const layers = linearLayers(graph);
  const names = integerNames(graph);
  const { indices, preprocess, onProgress } = options;
  const moments = await inputMoments(graph, [...layers.keys()], data, { indices: indices.slice(0, MOMENT_ITEMS), preprocess });
  const weights = new Map<string, Tensor>();
  for (const [node, axis] of layers) {
    const key = names.ofWeights(node, axis);
    if (!weights.has(key)) weights.set(key, roundWeights(graph, node, axis, moments.get(node)));
  }
  const real = await sensitiveValues(graph, grids, data, { indices: indices.slice(0, SENSITIVITY_ITEMS), preprocess, onProgress });
  const all = [...layers.keys()].reduce((sum, node) => sum + weightsOf(graph, node.inputs[1]), 0);
  const exact = new Set(
    [...layers.keys()].filter(({ inputs }) => real.has(inputs[0]) && weightsOf(graph, inputs[1]) < SMALL * all).map((node) => node.name),
  );
  return { weights, real, exact };
}

const weightsOf = (graph: Graph, value: string): number => elementCount(graph.constants.get(value)!.shape);
