import * as v from "valibot";
import type { Graph, Node } from "../../graph/graph.ts";
import { elementCount, roundToFloat16, type Tensor } from "../../tensor/index.ts";
import type { Observer } from "../observers.ts";
import { checkPatterns, matches } from "../patterns.ts";
import { priceOfNoise, pricing } from "../priced.ts";
import { type Decisions, integerNames, linearLayers, quantizeDynamic, quantizeStatic } from "../quantize.ts";
import { Rounder } from "../round.ts";
import { ACTIVATIONS, OBSERVER, schemeOf, WEIGHTS, type WeightOptions } from "../schemes.ts";
import { roundingNoise, sensitiveValues } from "../sensitivity.ts";
import type { Context, State } from "../state.ts";
import { defineStep } from "../step.ts";

const OVERRIDE = v.union([
  v.strictObject({ match: v.string(), keep: v.picklist(["f32", "f16"]) }),
  v.strictObject({ match: v.string(), weights: WEIGHTS }),
]);
type Override = v.InferOutput<typeof OVERRIDE>;

/** A layer that computes in f32 keeps f32 weights where they are less than this share of all: they cost next to nothing. */
const SMALL = 0.01;
/** Items that the outputs' noise is measured on, at most. */
export const NOISE_ITEMS = 16;
/** Calibration items from which on weights are made as coarse as these allow. */
const FEWEST = 128;
/** Noise that weights may make as a share of that of activations' grids, and the least of the latter that counts. */
const WEIGHT_NOISE = 0.2;
const QUIET = 1e-5;

/** Puts weights and activations on grids (docs/quantization.md). */
export const quantize = defineStep({
  summary: "puts weights and activations on grids",
  options: v.strictObject({
    weights: v.optional(WEIGHTS, () => ({})),
    activations: v.optional(ACTIVATIONS),
    observer: v.optional(OBSERVER, { kind: "mse" }),
    keepSensitive: v.optional(
      v.pipe(v.boolean(), v.description("keep values in f32 whose grid would show in the outputs, by measurement")),
      true,
    ),
    layers: v.optional(
      v.pipe(v.array(OVERRIDE), v.description("layers by name that are treated in other ways; the last match counts")),
      [],
    ),
  }),
  takes: "reals",
  leaves: "integers",
  inferences: ({ keepSensitive }, { items, values }) => 3 * items + (keepSensitive ? Math.min(items, 16) * values : 0),
  async run(state, options, context) {
    const { graph } = state;
    const { calibration, measured, preprocess, onProgress } = context;
    const { layers: overrides, keepSensitive } = options;
    const activations = options.activations ?? (calibration.given ? "static" : "dynamic");
    const layers = linearLayers(graph);
    checkPatterns(
      overrides.map(({ match }) => match),
      layers.keys(),
    );
    const overrideOf = ({ name }: Node): Override | undefined => overrides.findLast(({ match }) => matches(match, name));
    const keepOf = (node: Node): "f32" | "f16" | undefined => {
      const override = overrideOf(node);
      return override && "keep" in override ? override.keep : undefined;
    };

    const observer = calibration.given ? options.observer : ({ kind: "minmax" } as const);
    const optionsOf = (node: Node): WeightOptions => {
      const override = overrideOf(node);
      return override && "weights" in override ? override.weights : options.weights;
    };
    const stored = [...layers.keys()].filter((node) => !keepOf(node));
    // Made-up inputs, and few, do not show what a weight is needed for.
    const shown = calibration.given && calibration.indices.length >= FEWEST;
    const fitted = stored.filter((node) => shown && isOpen(optionsOf(node)));
    const grids = await measured.grids(graph, observer);
    const measures = (keepSensitive && activations !== "none") || fitted.length > 0;
    const noise = measures
      ? await roundingNoise(graph, grids, calibration.data, {
          indices: measured.spread(graph, grids.size).slice(0, NOISE_ITEMS),
          preprocess,
          onProgress: (done, total) => onProgress?.("measuring noise", done, total),
        })
      : new Map<string, number>();
    const { kept: sensitive, left } = sensitiveValues(graph, noise);
    const real = activations === "none" ? new Set(graph.types.keys()) : keepSensitive ? sensitive : new Set<string>();
    const weights = new Map([
      ...(await fittedWeights(state, fitted, left, observer, context)),
      ...(await roundedWeights(
        state,
        stored.filter((node) => !fitted.includes(node)),
        optionsOf,
        context,
      )),
    ]);
    const kept = [...layers.keys()].filter((node) => keepOf(node));
    const exact = new Set([...kept.map(({ name }) => name), ...smallLayers(graph, layers.keys(), real)]);
    const decisions: Decisions = { weights, real, exact };
    const prepared = withHalves(
      graph,
      kept.filter((node) => keepOf(node) === "f16"),
    );
    return {
      ...state,
      real: graph,
      graph: activations === "static" ? quantizeStatic(prepared, grids, decisions) : quantizeDynamic(prepared, decisions),
      notes: [
        ...state.notes,
        { step: "quantize", activations, keptInF32: [...(activations === "none" ? [] : real)], layersInF32: [...exact] },
      ],
    };
  },
});

/** Whether nothing says how fine a grid is: then it is as fine as it needs to be. */
const isOpen = ({ bits, levels, codebook, per, symmetric, range, rounding }: WeightOptions): boolean =>
  [bits, levels, codebook].every((given) => given === undefined) &&
  per === "channel" &&
  symmetric &&
  range === "max" &&
  rounding === "gptq";

/** Weights whose grids together make a small part of the noise that activations' grids make. */
async function fittedWeights(
  state: State,
  layers: readonly Node[],
  activationNoise: number,
  observer: Observer,
  context: Context,
): Promise<Map<string, Tensor>> {
  if (layers.length === 0) return new Map();
  const prices = await pricing(state, layers, observer, context);
  return prices.at(priceOfNoise(WEIGHT_NOISE * Math.max(activationNoise, QUIET), prices.count));
}

/** Weights of layers on their grids, by their names among `integerNames`; layers that share weights share them here. */
async function roundedWeights(
  { graph, mask }: State,
  layers: readonly Node[],
  optionsOf: (node: Node) => WeightOptions,
  { measured }: Context,
): Promise<Map<string, Tensor>> {
  const names = integerNames(graph);
  const axes = linearLayers(graph);
  const needed = layers.some((node) => optionsOf(node).rounding === "gptq");
  const moments = needed ? (await measured.moments(graph)).moments : new Map();
  const weights = new Map<string, Tensor>();
  for (const node of layers) {
    const key = names.ofWeights(node, axes.get(node)!);
    if (weights.has(key)) continue;
    const options = optionsOf(node);
    const rounder = new Rounder(graph, node, axes.get(node)!, options.rounding === "gptq" ? moments.get(node) : undefined);
    weights.set(key, rounder.round({ grid: schemeOf(options), removed: mask.get(node.inputs[1])?.data }));
  }
  return weights;
}

/** Layers that read a value which stays f32, with so few weights that they may as well stay f32 too. */
export function smallLayers(graph: Graph, layers: Iterable<Node>, real: ReadonlySet<string>): string[] {
  const weightsOf = ({ inputs }: Node): number => elementCount(graph.constants.get(inputs[1])!.shape);
  const all = [...layers];
  const total = all.reduce((sum, node) => sum + weightsOf(node), 0);
  return all.filter((node) => real.has(node.inputs[0]) && weightsOf(node) < SMALL * total).map(({ name }) => name);
}

/** The weights of layers rounded to 16-bit floats: half of each of their bytes is zeros, which take no room in the file. */
function withHalves(graph: Graph, layers: readonly Node[]): Graph {
  if (layers.length === 0) return graph;
  const constants = new Map(graph.constants);
  for (const { inputs } of layers) {
    const weights = constants.get(inputs[1])!;
    constants.set(inputs[1], { ...weights, data: Float32Array.from(weights.data, roundToFloat16) });
  }
  return { ...graph, constants };
}
