import * as v from "valibot";
import type { Graph } from "../../graph/graph.ts";
import { checkPatterns, matches } from "../patterns.ts";
import {
  type Amount,
  applyMask,
  combineMasks,
  inspectMask,
  type Mask,
  magnitude,
  maskOfZeros,
  type Pattern,
  prunedWeights,
  reconstruct,
  removeDeadChannels,
  type Saliency,
  select,
  selectChannels,
  surgeon,
  wanda,
} from "../prune/index.ts";
import { macsOf } from "../report.ts";
import type { Context, State } from "../state.ts";
import { defineStep } from "../step.ts";

const SHARE = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const COUNT = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(256));

const PATTERN = v.pipe(
  v.union([v.picklist(["unstructured", "blocks", "rows", "channels"]), v.strictObject({ n: COUNT, m: COUNT })]),
  v.description(
    "what goes together: nothing; blocks of 16 outputs × 2 inputs, which kernels skip; outputs; whole channels, heads and neurons, so that a smaller dense model is left; or all but n of m neighbours",
  ),
);

const OPTIONS = v.pipe(
  v.strictObject({
    pattern: v.optional(PATTERN, "unstructured"),
    remove: v.optional(
      v.pipe(
        v.union([
          v.strictObject({ share: SHARE }),
          v.strictObject({ cutoff: v.pipe(v.number(), v.minValue(0)) }),
          v.strictObject({ macs: SHARE }),
          v.strictObject({ parameters: SHARE }),
        ]),
        v.description(
          "how much goes: a share of the weights, what is worth less than a cut-off, or, of channels, a share of multiply-accumulates or of parameters",
        ),
      ),
    ),
    by: v.optional(
      v.pipe(
        v.picklist(["surgeon", "wanda", "magnitude"]),
        v.description(
          "what a weight is worth: the error that is left when others make up for it (OBS), its share of the layer's output (Wanda), or its size",
        ),
      ),
      "surgeon",
    ),
    scope: v.optional(v.pipe(v.picklist(["output", "layer", "model"]), v.description("what weights are ranked among")), "model"),
    reconstruct: v.optional(v.pipe(v.boolean(), v.description("refit the weights that stay to what the layer did")), true),
    layers: v.optional(v.pipe(v.array(v.string()), v.description("names of layers that take part, with * for any characters")), ["*"]),
  }),
  v.check(({ pattern, remove }) => typeof pattern === "object" || remove !== undefined, "say how much goes, as in remove: { share: 0.5 }"),
  v.check(({ pattern, remove }) => typeof pattern !== "object" || remove === undefined, "n and m say how much goes: leave remove out"),
  v.check(
    ({ pattern, remove }) => remove === undefined || (pattern === "channels") === ("macs" in remove || "parameters" in remove),
    "channels go by a share of macs or parameters, weights by a share or a cutoff",
  ),
);
type Options = v.InferOutput<typeof OPTIONS>;

/** Sets weights to 0, by what they are worth, and lets those that stay make up for them. Channels leave a smaller dense graph. */
export const prune = defineStep({
  summary: "removes weights, or whole channels, that are worth least",
  options: OPTIONS,
  takes: "reals",
  leaves: "reals",
  inferences: ({ by, reconstruct: refit }, { items }) => (by !== "magnitude" || refit ? items : 0),
  async run(state, options, context) {
    const { graph } = state;
    checkPatterns(options.layers, new Set(prunedWeights(graph).flatMap(({ nodes }) => nodes)));
    return options.pattern === "channels" ? pruneChannels(state, options, context) : pruneWeights(state, options, context);
  },
});

async function pruneWeights(state: State, options: Options, { measured }: Context): Promise<State> {
  const { graph } = state;
  const needsMoments = options.by !== "magnitude" || options.reconstruct;
  const moments = needsMoments ? (await measured.moments(graph)).moments : new Map();
  const saliencies = { magnitude: () => magnitude(graph), wanda: () => wanda(graph, moments), surgeon: () => surgeon(graph, moments) };
  const saliency: Saliency = saliencies[options.by]();
  const chosen = select(graph, saliency, options.remove as Amount | undefined, {
    pattern: patternOf(options.pattern),
    scope: options.scope,
    ...(!isAll(options.layers) && { layers: ({ name }) => options.layers.some((pattern) => matches(pattern, name)) }),
  });
  const mask = combineMasks(state.mask, chosen);
  return {
    ...state,
    graph: options.reconstruct ? reconstruct(graph, mask, moments) : applyMask(graph, mask),
    mask,
    notes: [...state.notes, { step: "prune", pattern: options.pattern, by: options.by, weights: summaryOf(mask) }],
  };
}

async function pruneChannels(state: State, options: Options, { measured }: Context): Promise<State> {
  const { graph } = state;
  const { moments } = await measured.moments(graph);
  const remove = options.remove as { macs: number } | { parameters: number };
  const left = "macs" in remove ? { macs: 1 - remove.macs } : { parameters: 1 - remove.parameters };
  const chosen = selectChannels(graph, left, options.by === "magnitude" ? {} : { moments });
  const mask = combineMasks(state.mask, chosen);
  const smaller = removeDeadChannels(options.reconstruct ? reconstruct(graph, mask, moments) : applyMask(graph, mask));
  const before = macs(graph);
  return {
    ...state,
    graph: smaller,
    mask: maskOfZeros(
      smaller,
      [...state.mask.keys()].filter((name) => smaller.constants.has(name)),
    ),
    notes: [...state.notes, { step: "prune", pattern: "channels", macs: { before, after: macs(smaller) }, weights: summaryOf(chosen) }],
  };
}

const isAll = (patterns: readonly string[]): boolean => patterns.length === 1 && patterns[0] === "*";

const macs = (graph: Graph): number => graph.nodes.reduce((sum, node) => sum + macsOf(node, graph), 0);

const summaryOf = (mask: Mask) => inspectMask(mask).map(({ name, elements, removed }) => ({ name, elements, removed }));

const patternOf = (pattern: Options["pattern"]): Pattern =>
  typeof pattern === "object" ? { kind: "n:m", ...pattern } : { kind: pattern as Exclude<Pattern["kind"], "n:m"> };
