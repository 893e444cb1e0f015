/** A compression run: the steps of a recipe, one after the other. */
import { createHash } from "node:crypto";
import { readBytes } from "../data/file.ts";
import type { Dataset } from "../data/index.ts";
import type { Coding, Preprocess } from "../format/image.ts";
import type { Graph } from "../graph/graph.ts";
import { type ReadOptions, readOnnx } from "../onnx/index.ts";
import { optimize } from "../passes/index.ts";
import { planGraph } from "../plan/plan.ts";
import { Checkpoints } from "./checkpoint.ts";
import { type Estimate, estimateOf } from "./expected.ts";
import { identityOf, partsOf } from "./parts.ts";
import { type Mask, maskOfZeros, prunedWeights } from "./prune/index.ts";
import { type CheckedStep, checkRecipe, type StepSpec } from "./recipe.ts";
import { type Context, Measurements, type Samples, type State } from "./state.ts";
import { stepOf } from "./steps/index.ts";
import { surrogateDataset } from "./surrogate.ts";

export const DEFAULT_CALIBRATION_COUNT = 256;
export const DEFAULT_VALIDATION_COUNT = 2000;
/** What is decided without calibration data is decided on so many made-up inputs. */
const SURROGATES = 32;
/** Share of zeros from which on they are no accident. */
const PRUNED = 0.1;

export interface CompressOptions {
  /** Inputs that are like those the model will see. */
  readonly calibration?: Dataset;
  /** How many of them to use; 256 by default. */
  readonly calibrationCount?: number;
  /** On which budgets are kept; by default other items of the calibration data. */
  readonly validation?: Dataset;
  /** How many of them to use; 2000 by default. */
  readonly validationCount?: number;
  /** Decides which items are taken, and what made-up inputs look like; 0 by default. The same seed gives the same bytes. */
  readonly seed?: number;
  readonly preprocess?: Preprocess;
  /** How hard weights are squeezed, at what speed of loading; `balanced` by default. Budgets for size are kept under it. */
  readonly coding?: Coding;
  /** A folder in which a run that was killed finds what it had reached; empty again at the end. */
  readonly resume?: string;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
  /** Called before the first step. */
  readonly onEstimate?: (estimate: Estimate) => void;
}

export interface Compressed extends State {
  /** The f32 graph that it was made of. */
  readonly reference: Graph;
  readonly calibration: Samples & { readonly given: boolean };
  /** What budgets were kept on, where a step asked for it. */
  readonly validation?: Samples;
}

/**
 * Runs the steps on an ONNX model. Throws CONFIG where steps are wrong or do not follow from each other, DATA_INVALID for data, BUDGET where a search
 * finds no model within its budget, and what `readOnnx` throws.
 */
export async function compress(
  onnx: Uint8Array,
  options: CompressOptions & ReadOptions & { readonly steps: readonly StepSpec[] },
): Promise<Compressed & { readonly warnings: readonly string[] }> {
  const steps = checkRecipe(options.steps);
  const { graph, warnings } = readOnnx(onnx, options);
  return { ...(await compressGraph(optimize(graph), steps, options)), warnings };
}

/** The same for an optimized graph and checked steps. */
export async function compressGraph(reference: Graph, steps: readonly CheckedStep[], options: CompressOptions): Promise<Compressed> {
  const { seed = 0, preprocess, coding, onProgress, onEstimate } = options;
  const { calibration, validation } = await samplesOf(reference, steps, options);
  const measured = new Measurements(calibration, preprocess, onProgress);
  const context: Context = { reference, calibration, validation, preprocess, coding, seed, onProgress, measured };
  if (onEstimate) onEstimate(await estimateOf(steps, context));

  const checkpoints =
    options.resume === undefined ? undefined : new Checkpoints(options.resume, steps, await identityOfRun(steps, context));
  const reached = checkpoints?.latest();
  let state: State = reached?.state ?? { graph: reference, mask: maskOfPruned(reference), notes: [] };
  for (const [i, { step, options: chosen }] of steps.entries()) {
    if (reached && i <= reached.step) continue;
    state = await stepOf(step).run(state, chosen, context);
    checkpoints?.save(i, state);
  }
  checkpoints?.clear();
  return { ...state, reference, calibration, validation };
}

/** What was pruned before, here or elsewhere: weights of which so many are exactly 0 stay so. */
function maskOfPruned(graph: Graph): Mask {
  const pruned = prunedWeights(graph).filter(({ name }) => {
    const { data } = graph.constants.get(name)!;
    return Array.from(data).filter((w) => w === 0).length > PRUNED * data.length;
  });
  return maskOfZeros(
    graph,
    pruned.map(({ name }) => name),
  );
}

async function samplesOf(
  graph: Graph,
  steps: readonly CheckedStep[],
  options: CompressOptions,
): Promise<{ calibration: Samples & { given: boolean }; validation?: Samples }> {
  const { calibration: given, seed = 0, preprocess, calibrationCount = DEFAULT_CALIBRATION_COUNT } = options;
  if (!given) {
    const data = surrogateDataset(planGraph(graph, { preprocess }).pack.meta.inputs, SURROGATES, seed);
    return { calibration: { data, indices: Array.from({ length: SURROGATES }, (_, i) => i), given: false } };
  }
  const judged = steps.some(({ step }) => stepOf(step).validates);
  const { calibration, validation } = await partsOf({
    calibration: given,
    calibrationCount,
    validation: options.validation,
    validationCount: judged ? (options.validationCount ?? DEFAULT_VALIDATION_COUNT) : 0,
    seed,
  });
  return { calibration: { ...calibration, given: true }, validation };
}

/** All that the result depends on besides the steps. */
async function identityOfRun(steps: readonly CheckedStep[], context: Context): Promise<string> {
  const { reference, calibration, validation, preprocess, coding, seed } = context;
  const hash = createHash("sha256").update(canonical({ reference, preprocess, coding, seed }));
  hash.update(await identityOf(calibration));
  if (validation) hash.update(await identityOf(validation));
  for (const path of steps.flatMap(filesOf)) hash.update(createHash("sha256").update(readBytes(path)).digest());
  return hash.digest("base64");
}

/** Files that a step reads. */
function filesOf({ step, options }: CheckedStep): string[] {
  const given = options as Readonly<Record<string, unknown>>;
  return (stepOf(step).paths ?? []).map((name) => given[name]).filter((path) => typeof path === "string");
}

/** The same text for the same graph: maps as lists, arrays of numbers by their bytes. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof Map) return [...part];
    if (ArrayBuffer.isView(part))
      return createHash("sha256")
        .update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
        .digest("hex");
    return typeof part === "number" && !Number.isFinite(part) ? `${part}` : part;
  });
}
