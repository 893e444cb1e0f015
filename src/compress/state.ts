/** What a compression run carries from step to step, and what it can ask its data. */
import type { Dataset } from "../data/index.ts";
import type { Coding, Preprocess } from "../format/image.ts";
import type { Graph, Node } from "../graph/graph.ts";
import type { Quant } from "../tensor/index.ts";
import { calibrate } from "./calibrate.ts";
import { inputMoments, type Moments } from "./moments.ts";
import type { Observer } from "./observers.ts";
import type { Mask } from "./prune/mask.ts";
import { linearLayers } from "./quantize.ts";
import { totalMacs } from "./report.ts";

export interface State {
  /** The model as it is now. */
  readonly graph: Graph;
  /** The f32 graph that `graph` was quantized from, once it is. */
  readonly real?: Graph;
  /** Weights of `graph` that are 0 and stay 0. */
  readonly mask: Mask;
  /** What each step did, for the report: plain data. */
  readonly notes: readonly StepNote[];
}

export interface StepNote {
  readonly step: string;
  readonly [fact: string]: unknown;
}

/** Items of a dataset that a run may look at. */
export interface Samples {
  readonly data: Dataset;
  readonly indices: readonly number[];
}

export interface Context {
  /** The f32 model as it came: what answers are compared with. */
  readonly reference: Graph;
  /** Examples like those that the model will see; made-up ones where the user gave none (`given` is false). */
  readonly calibration: Samples & { readonly given: boolean };
  /** Items that no grid and no rounding has seen: budgets are kept on them. */
  readonly validation?: Samples;
  readonly preprocess?: Preprocess;
  /** How the pack will be written: sizes are judged by it. */
  readonly coding?: Coding;
  readonly seed: number;
  /** Called as work goes on; a stage is what a person would call it. */
  readonly onProgress?: (stage: string, done: number, total: number) => void;
  readonly measured: Measurements;
}

/** Multiply-accumulates that one measurement of a model may take: some seconds. */
const MEASURED_MACS = 2e11;

/** Measurements of graphs on calibration data, each made once. */
export class Measurements {
  readonly #samples: Samples;
  readonly #preprocess?: Preprocess;
  readonly #onProgress: Context["onProgress"];
  readonly #moments = new WeakMap<Graph, Promise<Map<Node, Moments>>>();
  readonly #grids = new WeakMap<Graph, Map<string, Promise<Map<string, Quant>>>>();

  constructor(samples: Samples, preprocess: Preprocess | undefined, onProgress: Context["onProgress"]) {
    this.#samples = samples;
    this.#preprocess = preprocess;
    this.#onProgress = onProgress;
  }

  /** Grids of all f32 values. */
  grids(graph: Graph, observer: Observer): Promise<Map<string, Quant>> {
    const known = this.#grids.get(graph) ?? new Map<string, Promise<Map<string, Quant>>>();
    this.#grids.set(graph, known);
    const key = JSON.stringify(observer);
    const grids =
      known.get(key) ??
      calibrate(graph, this.#samples.data, {
        indices: this.#samples.indices,
        preprocess: this.#preprocess,
        observer,
        onProgress: (done, total) => this.#onProgress?.("calibrating", done, total),
      });
    known.set(key, grids);
    return grids;
  }

  /** Moments of the inputs of all linear layers, and how many items they are sums over. */
  async moments(graph: Graph): Promise<{ readonly moments: ReadonlyMap<Node, Moments>; readonly items: number }> {
    const indices = this.spread(graph, 1);
    const moments =
      this.#moments.get(graph) ??
      inputMoments(graph, [...linearLayers(graph).keys()], this.#samples.data, {
        indices,
        preprocess: this.#preprocess,
        onProgress: (done, total) => this.#onProgress?.("taking moments", done, total),
      });
    this.#moments.set(graph, moments);
    return { moments: await moments, items: indices.length };
  }

  /** As many items as can be run `times` times within the bounds of a measurement, evenly spread; one at least. */
  spread(graph: Graph, times: number): readonly number[] {
    const { indices } = this.#samples;
    const macs = totalMacs(graph);
    const count = Math.min(indices.length, Math.max(1, Math.floor(MEASURED_MACS / Math.max(1, times * macs))));
    return Array.from({ length: count }, (_, i) => indices[Math.floor((i * indices.length) / count)]);
  }
}
