import * as v from "valibot";
import { EdgepackError } from "../../errors.ts";
import { writeEpk } from "../../format/index.ts";
import type { Graph } from "../../graph/graph.ts";
import { planGraph } from "../../plan/plan.ts";
import { type Budget, type Candidate, dropOf, exceeded, POLICIES, type Policy, paretoFront } from "../budget.ts";
import { checkPatterns, matches } from "../patterns.ts";
import { pricing } from "../priced.ts";
import { linearLayers, quantizeDynamic, quantizeStatic } from "../quantize.ts";
import { OBSERVER } from "../schemes.ts";
import { Judge } from "../score.ts";
import { roundingNoise, sensitiveValues } from "../sensitivity.ts";
import type { Context, State } from "../state.ts";
import { defineStep } from "../step.ts";
import { medianMs } from "../timing.ts";
import { NOISE_ITEMS, smallLayers } from "./quantize.ts";

/** A size in bytes: a number, or one with a unit as in 200kB. */
const BYTES = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+(\.\d+)?\s*(B|kB|MB|KiB|MiB)$/, "a size is a number of bytes, or as in 200kB"))]),
  v.description("bytes of the pack, as a number or as in 200kB"),
  v.transform((size) => (typeof size === "number" ? size : bytesOf(size))),
  v.minValue(1),
);

const UNITS: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, KiB: 1024, MiB: 1024 ** 2 };

function bytesOf(size: string): number {
  const [, amount, unit] = /^([\d.]+)\s*(\D+)$/.exec(size)!;
  return Math.floor(Number(amount) * UNITS[unit]);
}

/** Prices of a bit that are tried first, as powers of ten of the outputs' noise for each bit per mean weight: from int8 to nearly nothing. */
const FIRST = [-10, -9, -8, -7.5, -7, -6.5, -6, -5.5, -5, -4.5, -4];
/** Halvings of the interval between the last price that meets the budget and the first that does not. */
const REFINEMENTS = 4;
const OPTIONS = v.pipe(
  v.strictObject({
    maxDrop: v.optional(
      v.pipe(v.number(), v.minValue(0), v.description("points of accuracy, or of agreement where there are no labels, that may be lost")),
    ),
    maxSize: v.optional(BYTES),
    maxMs: v.optional(v.pipe(v.number(), v.gtValue(0), v.description("milliseconds of one inference on this machine"))),
    minSqnr: v.optional(v.pipe(v.number(), v.description("least signal to noise of the outputs against f32, in dB"))),
    margin: v.optional(
      v.pipe(v.number(), v.minValue(0), v.description("standard errors by which the measured drop stays below maxDrop")),
      1,
    ),
    select: v.optional(
      v.pipe(v.picklist(Object.keys(POLICIES) as Policy[]), v.description("which of the models within the budget is taken")),
    ),
    activations: v.optional(
      v.pipe(
        v.picklist(["static", "dynamic"]),
        v.description("inputs of layers: on grids from calibration data, or on grids of their own as the model runs"),
      ),
    ),
    observer: v.optional(OBSERVER, { kind: "mse" }),
    layers: v.optional(
      v.pipe(
        v.array(v.strictObject({ match: v.string(), keep: v.literal("f32") })),
        v.description("layers by name, with * for any characters, that stay f32"),
      ),
      [],
    ),
  }),
  v.check(
    ({ maxDrop, maxSize, maxMs, minSqnr }) => [maxDrop, maxSize, maxMs, minSqnr].some((bound) => bound !== undefined),
    "a search needs a budget: maxDrop, maxSize, maxMs or minSqnr",
  ),
);
type Options = v.InferOutput<typeof OPTIONS>;

/** Chooses the grid of each layer, and with it bits and zeros, under a budget for the whole model: prices of a bit (src/compress/priced.ts) are tried until it is met. */
export const search = defineStep({
  summary: "chooses the grid of each layer under a budget for size or loss",
  options: OPTIONS,
  takes: "reals",
  leaves: "integers",
  validates: true,
  inferences: (_options, { items, validation, values }) => 3 * items + 32 * values + (FIRST.length + REFINEMENTS) * validation,
  async run(state, options, context) {
    const { calibration, onProgress } = context;
    const samples = context.validation ?? calibration;
    const judge = await Judge.of(context.reference, samples, context.preprocess);
    const priced = await pricedModels(state, options, context);
    const tried: Tried[] = [];
    const total = FIRST.length + REFINEMENTS;
    const attempt = async (exponent: number): Promise<Tried> => {
      const { graph, layers, activations } = priced(exponent);
      const candidate = {
        exponent,
        graph,
        layers,
        activations,
        bytes: writeEpk(planGraph(graph, context).pack, context.coding).length,
        score: await judge.score(graph),
        ...(options.maxMs !== undefined && { ms: await medianMs(graph, await samples.data.item(samples.indices[0]), context.preprocess) }),
      };
      tried.push(candidate);
      onProgress?.("searching", tried.length, total);
      return candidate;
    };
    const fits = (candidate: Candidate): boolean => exceeded(candidate, judge.reference, options).length === 0;

    for (const exponent of FIRST) await attempt(exponent);
    const policy = options.select ?? (options.maxDrop === undefined && options.minSqnr === undefined ? "most-accurate" : "smallest");
    const byPolicy = (candidates: readonly Tried[]): Tried | undefined => candidates.filter(fits).sort(POLICIES[policy])[0];
    for (let i = 0; i < REFINEMENTS; i++) {
      const best = byPolicy(tried);
      if (!best) break;
      // Between the best and its neighbour on the side that the policy leans to.
      const next = tried
        .map(({ exponent }) => exponent)
        .filter((e) => (policy === "most-accurate" ? e < best.exponent : e > best.exponent));
      if (next.length === 0) break;
      await attempt((best.exponent + (policy === "most-accurate" ? Math.max(...next) : Math.min(...next))) / 2);
    }
    const chosen = byPolicy(tried);
    if (!chosen) throw unmet(tried, judge.reference, options);
    const row = ({ bytes, score, ms }: Tried) => ({
      bytes,
      drop: dropOf(score, judge.reference),
      ...score,
      ...(ms !== undefined && { ms }),
    });
    return {
      ...state,
      real: state.graph,
      graph: chosen.graph,
      notes: [
        ...state.notes,
        {
          step: "search",
          activations: chosen.activations,
          samples: samples === calibration ? "calibration" : "validation",
          reference: judge.reference,
          policy,
          chosen: row(chosen),
          front: paretoFront(tried).map(row),
          layers: chosen.layers,
        },
      ],
    };
  },
});

interface SearchedLayer {
  readonly layer: string;
  /** Different integers among its weights. */
  readonly values: number;
  /** Share of weights that are 0. */
  readonly zeros: number;
}

interface Tried extends Candidate {
  readonly exponent: number;
  readonly graph: Graph;
  readonly layers: readonly SearchedLayer[];
  readonly activations: "static" | "dynamic";
}

/** The model at a price of a bit. */
async function pricedModels(
  state: State,
  options: Pick<Options, "activations" | "observer" | "layers">,
  context: Context,
): Promise<(exponent: number) => Pick<Tried, "graph" | "layers" | "activations">> {
  const { graph } = state;
  const { calibration, measured, preprocess, onProgress } = context;
  const all = [...linearLayers(graph).keys()];
  checkPatterns(
    options.layers.map(({ match }) => match),
    all,
  );
  const kept = all.filter(({ name }) => options.layers.some(({ match }) => matches(match, name)));
  const activations = options.activations ?? (calibration.given ? "static" : "dynamic");
  const observer = calibration.given ? options.observer : ({ kind: "minmax" } as const);
  const grids = await measured.grids(graph, observer);
  const prices = await pricing(
    state,
    all.filter((node) => !kept.includes(node)),
    observer,
    context,
  );
  const noise = await roundingNoise(graph, grids, calibration.data, {
    indices: measured.spread(graph, grids.size).slice(0, NOISE_ITEMS),
    preprocess,
    onProgress: (done, total) => onProgress?.("measuring noise", done, total),
  });
  const { kept: real } = sensitiveValues(graph, noise);
  const exact = new Set([...kept.map(({ name }) => name), ...smallLayers(graph, all, real)]);
  return (exponent) => {
    const weights = prices.at((1000 * 10 ** exponent) / prices.count);
    const decisions = { weights, real, exact };
    return {
      graph: activations === "static" ? quantizeStatic(graph, grids, decisions) : quantizeDynamic(graph, decisions),
      layers: [...weights].map(([layer, { data }]) => ({
        layer,
        values: new Set(data).size,
        zeros: Array.from(data).filter((q) => q === 0).length / data.length,
      })),
      activations,
    };
  };
}

function unmet(tried: readonly Tried[], reference: Candidate["score"], budget: Budget): EdgepackError {
  const describe = (candidate: Tried): string =>
    `${candidate.bytes} bytes at ${candidate.score.sqnr.toFixed(1)} dB: ${exceeded(candidate, reference, budget).join("; ")}`;
  return new EdgepackError(
    "BUDGET",
    "No model within the budget was found. Widen it, or prune or train first. What was reached:",
    paretoFront(tried).map(describe),
  );
}
