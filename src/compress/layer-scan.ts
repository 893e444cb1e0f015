/** What each layer by itself costs when it is compressed more and more: all others stay as they are. */
import { EdgepackError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { dequantizeTensor } from "../tensor/index.ts";
import { kneeOf } from "./knee.ts";
import { type PrunedWeights, prunedWeights, reconstruct, select, surgeon } from "./prune/index.ts";
import { linearLayers } from "./quantize.ts";
import { Rounder } from "./round.ts";
import { Judge, type Score } from "./score.ts";
import { scores } from "./sensitivity.ts";
import { type Context, Measurements, type Samples } from "./state.ts";
import { INT8_WEIGHTS } from "./weight-grid.ts";

/** By which means a layer is compressed: a share of its weights is removed, or all go on grids of so many bits. */
export type ScanMethod = "prune" | "bits";

export interface ScanPoint extends Score {
  /** A share of weights removed, or bits. */
  readonly level: number;
}

export interface ScannedLayer {
  /** Layers that share the weights count as one, with the first one's name. */
  readonly layer: string;
  readonly weights: number;
  readonly points: readonly ScanPoint[];
  /** The level behind which the outputs' signal to noise falls faster. */
  readonly knee?: number;
}

export interface Scan {
  readonly by: ScanMethod;
  readonly samples: number;
  readonly reference: Score;
  readonly layers: readonly ScannedLayer[];
}

export interface ScanOptions extends Pick<Context, "preprocess" | "onProgress"> {
  readonly by: ScanMethod;
  /** From mild to hard. */
  readonly levels: readonly number[];
  /** By which layers are refitted. */
  readonly calibration: Samples;
  /** On which models are scored, as many of them as can be in reasonable time; the calibration's by default. */
  readonly validation?: Samples;
}

/** Scans an optimized f32 graph. Throws CONFIG where it has no layer with constant weights. */
export async function scanLayers(graph: Graph, options: ScanOptions): Promise<Scan> {
  const { by, levels, calibration, validation = calibration, preprocess, onProgress } = options;
  // Before a Softmax, which hides what becomes of the scores.
  const scored: Graph = { ...graph, outputs: scores(graph) };
  const axes = linearLayers(scored);
  const layers = prunedWeights(scored).filter(({ nodes }) => axes.has(nodes[0]));
  if (layers.length === 0)
    throw new EdgepackError("CONFIG", `${graph.name} has no layer with constant weights, so there is nothing to scan`);
  const { moments } = await new Measurements(calibration, preprocess, onProgress).moments(scored);
  const indices = new Measurements(validation, preprocess, onProgress).spread(scored, layers.length * levels.length);
  const judge = await Judge.of(scored, { data: validation.data, indices }, preprocess);
  const compress = { prune: pruner, bits: rounder }[by](scored, moments);
  const scanned: ScannedLayer[] = [];
  for (const [i, entry] of layers.entries()) {
    const variant = compress(entry);
    const points: ScanPoint[] = [];
    for (const [k, level] of levels.entries()) {
      points.push({ level, ...(await judge.score(variant(level))) });
      onProgress?.("scanning layers", i * levels.length + k + 1, layers.length * levels.length);
    }
    const knee = kneeOf(points.map(({ level, sqnr }) => ({ x: level, y: sqnr })));
    scanned.push({
      layer: entry.nodes[0].name,
      weights: scored.constants.get(entry.name)!.data.length,
      points,
      ...(knee !== undefined && { knee }),
    });
  }
  return { by, samples: indices.length, reference: judge.reference, layers: scanned };
}

/** From a layer to the graph in which it is compressed to a level. */
type Compressor = (entry: PrunedWeights) => (level: number) => Graph;
type AllMoments = Awaited<ReturnType<Measurements["moments"]>>["moments"];

/** By what weights are worth when others make up for them. */
function pruner(graph: Graph, moments: AllMoments): Compressor {
  const saliency = surgeon(graph, moments);
  return ({ nodes }) =>
    (share) =>
      reconstruct(graph, select(graph, saliency, { share }, { scope: "layer", layers: (node) => nodes.includes(node) }), moments);
}

/** Each output's weights on an even grid of their own; activations stay f32. */
function rounder(graph: Graph, moments: AllMoments): Compressor {
  const axes = linearLayers(graph);
  return ({ name, nodes: [node] }) => {
    const layer = new Rounder(graph, node, axes.get(node)!, moments.get(node));
    return (bits) => {
      const rounded = layer.round({ grid: { ...INT8_WEIGHTS, levels: 2 ** bits - 1 } });
      return { ...graph, constants: new Map(graph.constants).set(name, dequantizeTensor(rounded)) };
    };
  };
}
