/** The whole way of the data: ONNX in, `.epk` and a report out. */
import { type Comparison, compareGraphs } from "./compress/compare.ts";
import { type CompressOptions, compressGraph } from "./compress/compress.ts";
import type { Observer } from "./compress/observers.ts";
import type { Mask } from "./compress/prune/index.ts";
import { checkRecipe, type StepSpec } from "./compress/recipe.ts";
import { type BuildReport, reportOf } from "./compress/report.ts";
import type { Samples, StepNote } from "./compress/state.ts";
import { syntheticDataset } from "./data/index.ts";
import { EdgepackError } from "./errors.ts";
import type { Meta } from "./format/image.ts";
import { writeEpk } from "./format/index.ts";
import type { Graph } from "./graph/graph.ts";
import { readOnnx } from "./onnx/index.ts";
import { optimize } from "./passes/index.ts";
import { isQuantized } from "./passes/integer-islands.ts";
import { type Plan, planGraph } from "./plan/plan.ts";
import { compareAnswers } from "./report/answers.ts";
import type { Evidence } from "./report/evidence.ts";
import { weightEvidence } from "./report/weights.ts";
import type { Tensor } from "./tensor/index.ts";

export type { BuildReport, LayerReport } from "./compress/report.ts";

export interface BuildOptions extends CompressOptions {
  /** Shapes of inputs whose dimensions the model leaves open. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Inputs that always have one value (a sample rate, a switch): they become constants, and leave the model's inputs. */
  readonly fixed?: Readonly<Record<string, Tensor | readonly number[]>>;
  /** Reads the files that external data lies in, by their path relative to the model. */
  readonly external?: (location: string) => Uint8Array;
  /** `int8` (the default) quantizes: statically where calibration data are given, dynamically where not. */
  readonly weights?: "int8" | "f32";
  /** In place of `weights` and `observer`: what is done to the model, step by step. */
  readonly steps?: readonly StepSpec[];
  readonly observer?: Observer;
  /** Kept in the pack: names of the classes. */
  readonly labels?: readonly string[];
  readonly name?: string;
  /** Looks at weights and answers once more, for a full report. */
  readonly evidence?: boolean;
}

export interface BuildResult {
  readonly epk: Uint8Array;
  readonly meta: Meta;
  /** What the pack runs, for `exportOnnx`. */
  readonly graph: Graph;
  readonly report: BuildReport;
  /** Weights that steps removed, by the constants of the optimized model. */
  readonly mask: Mask;
  /** Where `evidence` was asked for. */
  readonly evidence?: Evidence;
}

/** Samples on which a compressed model is compared with the f32 model, at most. */
const COMPARED = 64;
/** Without calibration data, inputs are made up, and few tell as much as many. */
const SYNTHETIC = 8;
/** Samples whose answers a full report compares, at most. */
const ANSWERED = 2000;

/**
 * Builds a pack. Every failure is an EdgepackError: of reading the model (`readOnnx`), of operators without kernels (ONNX_UNSUPPORTED), of data
 * that do not fit (DATA_INVALID), of steps (CONFIG, BUDGET).
 */
export async function build(onnx: Uint8Array, options: BuildOptions = {}): Promise<BuildResult> {
  const { weights = "int8", observer } = options;
  const corrected: StepSpec[] = options.calibration ? [{ step: "correct-bias" }] : [];
  const steps = checkRecipe(
    options.steps ?? (weights === "f32" ? [] : [{ step: "quantize", ...(observer && { observer }) }, ...corrected]),
  );
  const { graph: read, warnings } = readOnnx(onnx, options);
  const real = optimize(read);
  const given = isQuantized(real);
  if (given && options.steps && options.steps.length > 0)
    throw new EdgepackError("CONFIG", "The model is quantized already and is built as it is: steps work on f32 models. Leave them out.");
  const asItIs = given || steps.length === 0;
  const run = asItIs ? undefined : await compressGraph(real, steps, options);
  const graph = run?.graph ?? real;
  const plan = planGraph(graph, options);
  const epk = writeEpk(plan.pack, options.coding);
  const samples = run?.calibration;
  const labels = options.labels ?? options.calibration?.classes;
  const comparison = run && (await compare(real, graph, plan, options, samples?.given ? samples.indices : undefined));
  return {
    epk,
    meta: plan.pack.meta,
    graph,
    mask: run?.mask ?? new Map(),
    ...(options.evidence && {
      evidence: {
        recipe: steps,
        weights: weightEvidence(graph, run?.real),
        ...(samples?.given && { answers: await answers(real, graph, plan, options, run?.validation ?? samples) }),
        ...(labels && { labels }),
      },
    }),
    report: reportOf({
      mode: modeOf(given, run?.notes ?? []),
      onnx: onnx.length,
      epk,
      plan,
      comparison,
      warnings,
      notes: run?.notes ?? [],
    }),
  };
}

function answers(reference: Graph, graph: Graph, plan: Plan, { preprocess, onProgress }: BuildOptions, { data, indices }: Samples) {
  return compareAnswers(
    reference,
    graph,
    { data, indices: indices.slice(0, ANSWERED) },
    {
      inputs: plan.pack.meta.inputs,
      preprocess,
      onProgress: (done, total) => onProgress?.("comparing answers", done, total),
    },
  );
}

function modeOf(given: boolean, notes: readonly StepNote[]): BuildReport["mode"] {
  if (given) return "int8-given";
  const activations = notes.findLast((note) => "activations" in note)?.activations;
  if (activations === undefined) return "f32";
  return activations === "static" ? "int8-static" : activations === "dynamic" ? "int8-dynamic" : "int8-weights";
}

async function compare(
  reference: Graph,
  compressed: Graph,
  plan: Plan,
  { calibration, seed = 0, preprocess, onProgress }: BuildOptions,
  calibrated: readonly number[] | undefined,
): Promise<{ source: "calibration" | "synthetic"; result: Comparison }> {
  const data = calibration && calibrated ? calibration : syntheticDataset(plan.pack.meta.inputs, SYNTHETIC, seed);
  const indices = calibrated?.slice(0, COMPARED) ?? Array.from({ length: SYNTHETIC }, (_, i) => i);
  const result = await compareGraphs(reference, compressed, data, {
    indices,
    preprocess,
    onProgress: (done, total) => onProgress?.("comparing with f32", done, total),
  });
  return { source: calibrated ? "calibration" : "synthetic", result };
}
