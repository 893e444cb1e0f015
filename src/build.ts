/** The whole way of the data: ONNX in, `.epk` and a report out. */
import { calibrate } from "./compress/calibrate.ts";
import { type Comparison, compareGraphs } from "./compress/compare.ts";
import { decide } from "./compress/decide.ts";
import type { Observer } from "./compress/observers.ts";
import { quantizeDynamic, quantizeStatic } from "./compress/quantize.ts";
import { type BuildReport, reportOf } from "./compress/report.ts";
import { surrogateDataset } from "./compress/surrogate.ts";
import { type Dataset, sampleIndices, syntheticDataset } from "./data/index.ts";
import type { Meta, Preprocess } from "./format/image.ts";
import { writeEpk } from "./format/index.ts";
import type { Graph } from "./graph/graph.ts";
import { readOnnx } from "./onnx/index.ts";
import { optimize } from "./passes/index.ts";
import { isQuantized } from "./passes/integer-islands.ts";
import { type Plan, planGraph } from "./plan/plan.ts";
import type { Tensor } from "./tensor/index.ts";

export type { BuildReport, LayerReport } from "./compress/report.ts";

export interface BuildOptions {
  /** Shapes of inputs whose dimensions the model leaves open. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Inputs that always have one value (a sample rate, a switch): they become constants, and leave the model's inputs. */
  readonly fixed?: Readonly<Record<string, Tensor | readonly number[]>>;
  /** Reads the files that external data lies in, by their path relative to the model. */
  readonly external?: (location: string) => Uint8Array;
  /** `int8` (the default) quantizes: statically where calibration data are given, dynamically where not. */
  readonly weights?: "int8" | "f32";
  /** Inputs that are like those the model will see. */
  readonly calibration?: Dataset;
  /** How many of them to use; 256 by default. */
  readonly calibrationCount?: number;
  /** Decides which items are taken and what synthetic inputs look like; 0 by default. */
  readonly seed?: number;
  readonly observer?: Observer;
  /** Kept in the pack: how raw bytes become the model's input. */
  readonly preprocess?: Preprocess;
  /** Kept in the pack: names of the classes. */
  readonly labels?: readonly string[];
  readonly name?: string;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
}

export interface BuildResult {
  readonly epk: Uint8Array;
  readonly meta: Meta;
  /** What the pack runs, for `exportOnnx`. */
  readonly graph: Graph;
  readonly report: BuildReport;
}

export const DEFAULT_OBSERVER: Observer = { kind: "mse" };
export const DEFAULT_CALIBRATION_COUNT = 256;

/** Samples on which a quantized model is compared with the f32 model, at most. */
const COMPARED = 64;
/** Without calibration data, inputs are made up, and few tell as much as many. */
const SYNTHETIC = 8;
/** What is decided without calibration data is decided on so many made-up inputs. */
const SURROGATES = 32;

/**
 * Builds a pack. Every failure is an EdgepackError: of reading the model (`readOnnx`), of operators without kernels (ONNX_UNSUPPORTED), of data
 * that do not fit (DATA_INVALID).
 */
export async function build(onnx: Uint8Array, options: BuildOptions = {}): Promise<BuildResult> {
  const { calibration, seed = 0 } = options;
  const { graph, warnings } = readOnnx(onnx, options);
  const real = optimize(graph);
  const mode = isQuantized(real) ? "int8-given" : options.weights === "f32" ? "f32" : calibration ? "int8-static" : "int8-dynamic";
  const asItIs = mode === "f32" || mode === "int8-given";

  const indices = calibration ? sampleIndices(calibration.count, options.calibrationCount ?? DEFAULT_CALIBRATION_COUNT, seed) : [];
  const quantized = asItIs ? real : await quantize(real, options, indices);
  const plan = planGraph(quantized, options);
  const epk = writeEpk(plan.pack);
  const comparison = asItIs ? undefined : await compare(real, quantized, plan, options, indices);
  return {
    epk,
    meta: plan.pack.meta,
    graph: quantized,
    report: reportOf({ mode, onnx: onnx.length, epk, plan, comparison, warnings }),
  };
}

/** With calibration data, static; without, dynamic, with decisions taken on surrogates. */
async function quantize(graph: Graph, options: BuildOptions, calibrated: readonly number[]): Promise<Graph> {
  const { calibration, seed = 0, preprocess, onProgress } = options;
  const data = calibration ?? surrogateDataset(planGraph(graph, { preprocess }).pack.meta.inputs, SURROGATES, seed);
  const indices = calibration ? calibrated : Array.from({ length: SURROGATES }, (_, i) => i);
  const observer = calibration ? (options.observer ?? DEFAULT_OBSERVER) : ({ kind: "minmax" } as const);
  const report = (stage: string) => (done: number, total: number) => onProgress?.(stage, done, total);
  const grids = await calibrate(graph, data, { indices, preprocess, observer, onProgress: report("calibrating") });
  const decisions = await decide(graph, grids, data, { indices, preprocess, onProgress: report("measuring noise") });
  return calibration ? quantizeStatic(graph, grids, decisions) : quantizeDynamic(graph, decisions);
}

async function compare(
  reference: Graph,
  quantized: Graph,
  plan: Plan,
  { calibration, seed = 0, preprocess, onProgress }: BuildOptions,
  indices: readonly number[],
): Promise<{ source: "calibration" | "synthetic"; result: Comparison }> {
  const data = calibration ?? syntheticDataset(plan.pack.meta.inputs, SYNTHETIC, seed);
  const chosen = calibration ? indices.slice(0, COMPARED) : Array.from({ length: SYNTHETIC }, (_, i) => i);
  const result = await compareGraphs(reference, quantized, data, {
    indices: chosen,
    preprocess,
    onProgress: (done, total) => onProgress?.("comparing with f32", done, total),
  });
  return { source: calibration ? "calibration" : "synthetic", result };
}
