import * as v from "valibot";
import { EdgepackError } from "../../errors.ts";
import { writeEpk } from "../../format/index.ts";
import type { Graph, Node } from "../../graph/graph.ts";
import { planGraph } from "../../plan/plan.ts";
import type { Tensor } from "../../tensor/index.ts";
import { type Budget, type Candidate, dropOf, exceeded, POLICIES, type Policy, paretoFront } from "../budget.ts";
import { gainsOf } from "../gain.ts";
import { layerView } from "../layer-view.ts";
import { patchesPerItem } from "../moments.ts";
import { checkPatterns, matches } from "../patterns.ts";
import { integerNames, linearLayers, quantizeDynamic, quantizeStatic } from "../quantize.ts";
import { Rounder } from "../round.ts";
import { OBSERVER } from "../schemes.ts";
import { Judge } from "../score.ts";
import { sensitiveValues } from "../sensitivity.ts";
import type { Context, State } from "../state.ts";
import { defineStep } from "../step.ts";
import { medianMs } from "../timing.ts";
import { steppedGrid } from "../weight-grid.ts";
import { smallLayers } from "./quantize.ts";

/** A size in bytes: a number, or one with a unit as in 200kB. */
const BYTES = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+(\.\d+)?\s*(B|kB|MB|KiB|MiB)$/, "a size is a number of bytes, or as in 200kB"))]),
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
/** Steps are so much wider than is best for fine grids: at a few bits a weight fewer and dearer integers cost less than they lose (measured on Fashion-MNIST's training images). */
const WIDER = 1.6;

const OPTIONS = v.pipe(
  v.strictObject({
    maxDrop: v.optional(
      v.pipe(v.number(), v.minValue(0), v.description("points of accuracy, or of agreement where there are no labels, that may be lost")),
    ),
    maxSize: v.optional(v.pipe(BYTES, v.description("of the pack"))),
    maxMs: v.optional(v.pipe(v.number(), v.gtValue(0), v.description("of one inference on this machine"))),
    minSqnr: v.optional(v.pipe(v.number(), v.description("least signal to noise of the outputs against f32, in dB"))),
    margin: v.optional(
      v.pipe(v.number(), v.minValue(0), v.description("standard errors by which the measured drop stays below maxDrop")),
      1,
    ),
    select: v.optional(
      v.pipe(v.picklist(Object.keys(POLICIES) as Policy[]), v.description("which of the models within the budget is taken")),
    ),
    activations: v.optional(v.picklist(["static", "dynamic"])),
    observer: v.optional(OBSERVER, { kind: "mse" }),
    layers: v.optional(v.array(v.strictObject({ match: v.string(), keep: v.literal("f32") })), []),
  }),
  v.check(
    ({ maxDrop, maxSize, maxMs, minSqnr }) => [maxDrop, maxSize, maxMs, minSqnr].some((bound) => bound !== undefined),
    "a search needs a budget: maxDrop, maxSize, maxMs or minSqnr",
  ),
);
type Options = v.InferOutput<typeof OPTIONS>;

/**
 * Chooses the step of each layer's grid, and with it bits and zeros, under a budget for the whole model. Rate–distortion optimization with one Lagrange
 * multiplier (Shoham and Gersho 1988): a bit is worth the same noise at the outputs in every layer. What a layer's error does to the outputs is
 * measured (its gain); the step at which a bit is worth its price follows from high-rate theory (Gish and Pierce 1968), and rounding knows the price too.
 */
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
        bytes: writeEpk(planGraph(graph, context).pack).length,
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

/** The model at a price of a bit: all that does not depend on the price is measured here. */
async function pricedModels(
  { graph, mask }: State,
  options: Pick<Options, "activations" | "observer" | "layers">,
  { calibration, measured, preprocess, onProgress }: Context,
): Promise<(exponent: number) => Pick<Tried, "graph" | "layers" | "activations">> {
  const all = linearLayers(graph);
  checkPatterns(
    options.layers.map(({ match }) => match),
    all.keys(),
  );
  const kept = new Set([...all.keys()].filter(({ name }) => options.layers.some(({ match }) => matches(match, name))));
  const layers = new Map([...all].filter(([node]) => !kept.has(node)));
  const activations = options.activations ?? (calibration.given ? "static" : "dynamic");
  const grids = await measured.grids(graph, calibration.given ? options.observer : { kind: "minmax" });
  const { moments, items } = await measured.moments(graph);
  const outputs = [...new Set([...layers.keys()].map((node) => node.outputs[0]))];
  const gains = await gainsOf(graph, outputs, grids, calibration.data, {
    indices: measured.spread(graph, outputs.length).slice(0, 32),
    preprocess,
    onProgress: (done, total) => onProgress?.("measuring gains", done, total),
  });
  const real = await sensitiveValues(graph, grids, calibration.data, {
    indices: measured.spread(graph, grids.size).slice(0, 16),
    preprocess,
    onProgress: (done, total) => onProgress?.("measuring noise", done, total),
  });
  const exact = new Set([...[...kept].map(({ name }) => name), ...smallLayers(graph, all.keys(), real)]);
  const rounders = new Map([...layers].map(([node, axis]) => [node, new Rounder(graph, node, axis, moments.get(node))]));
  const weightCount = [...rounders.values()].reduce((sum, { weights }) => sum + weights.data.length, 0);
  const names = integerNames(graph);

  /** Squared error of the moments' patches that is worth a bit. */
  const worth = (node: Node, price: number): number => {
    const view = layerView(graph, node);
    const { noise, open } = gains.get(node.outputs[0])!;
    if (!view || noise * open === 0) return 0;
    return (price * patchesPerItem(view, items) * items) / (noise * open * view.patches);
  };
  return (exponent) => {
    const price = (1000 * 10 ** exponent) / weightCount;
    const weights = new Map<string, Tensor>();
    const found: SearchedLayer[] = [];
    for (const [node, rounder] of rounders) {
      const key = names.ofWeights(node, layers.get(node)!);
      if (weights.has(key)) continue;
      const perBit = worth(node, price);
      const step = WIDER * Math.sqrt((6 * perBit) / (Math.LN2 * rounder.stiffness));
      const rounded = rounder.round({ grid: steppedGrid(rounder.weights, step), removed: mask.get(node.inputs[1])?.data, perBit });
      weights.set(key, rounded);
      const zeros = Array.from(rounded.data).filter((q) => q === 0).length / rounded.data.length;
      found.push({ layer: node.name, values: new Set(rounded.data).size, zeros });
    }
    const decisions = { weights, real, exact };
    return {
      graph: activations === "static" ? quantizeStatic(graph, grids, decisions) : quantizeDynamic(graph, decisions),
      layers: found,
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
