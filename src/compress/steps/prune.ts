import * as v from "valibot";
import type { Graph, Node } from "../../graph/graph.ts";
import { checkPatterns, matches } from "../patterns.ts";
import {
  type Amount,
  applyMask,
  type Criterion,
  combineMasks,
  inspectMask,
  type Mask,
  magnitude,
  maskOfZeros,
  type Pattern,
  prunedWeights,
  pruneGradually,
  reconstruct,
  removeDeadChannels,
  select,
  selectChannels,
  surgeon,
  wanda,
} from "../prune/index.ts";
import { totalMacs } from "../report.ts";
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
        v.picklist(["wanda", "surgeon", "magnitude"]),
        v.description(
          "what a weight is worth: its share of the layer's output (Wanda), the error that is left when others make up for it (OBS), or its size",
        ),
      ),
      "wanda",
    ),
    rounds: v.optional(
      v.pipe(
        v.number(),
        v.integer(),
        v.minValue(1),
        v.maxValue(32),
        v.description("in how many rounds, after each of which what stays is refitted"),
      ),
      4,
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
  const criterion = CRITERIA[options.by];
  const selection = {
    pattern: patternOf(options.pattern),
    scope: options.scope,
    ...(!isAll(options.layers) && { layers: ({ name }: Node) => options.layers.some((pattern) => matches(pattern, name)) }),
  };
  const gradual = options.reconstruct && options.remove !== undefined && "share" in options.remove;
  const chosen = gradual
    ? pruneGradually(graph, criterion, options.remove as { share: number }, moments, { ...selection, rounds: options.rounds }).mask
    : select(graph, criterion(graph, moments), options.remove as Amount | undefined, selection);
  const mask = combineMasks(state.mask, chosen);
  return {
    ...state,
    graph: options.reconstruct ? reconstruct(graph, mask, moments) : applyMask(graph, mask),
    mask,
    notes: [...state.notes, { step: "prune", pattern: options.pattern, by: options.by, weights: summaryOf(mask) }],
  };
}

const CRITERIA: Readonly<Record<Options["by"], Criterion>> = { magnitude, wanda, surgeon };

async function pruneChannels(state: State, options: Options, context: Context): Promise<State> {
  const { graph } = state;
  const [kind, share] = Object.entries(options.remove!)[0] as ["macs" | "parameters", number];
  const sizeOf = kind === "macs" ? totalMacs : parameters;
  const wanted = (1 - share) * sizeOf(graph);
  const rounds = options.reconstruct ? options.rounds : 1;
  let current = graph;
  for (let round = 1; round <= rounds; round++) {
    // Each round takes the same share of what there is, and measures anew what the smaller model reads.
    const left = wanted / sizeOf(current);
    if (left >= 1) break;
    current = await withoutChannels(current, kind, left ** (1 / (rounds - round + 1)), options, context);
    context.onProgress?.("removing channels", round, rounds);
  }
  const masked = [...state.mask.keys()].filter((name) => current.constants.has(name));
  return {
    ...state,
    graph: current,
    mask: maskOfZeros(current, masked),
    notes: [
      ...state.notes,
      {
        step: "prune",
        pattern: "channels",
        macs: { before: totalMacs(graph), after: totalMacs(current) },
        parameters: { before: parameters(graph), after: parameters(current) },
      },
    ],
  };
}

async function withoutChannels(
  graph: Graph,
  kind: "macs" | "parameters",
  left: number,
  { by, reconstruct: refit }: Options,
  { measured }: Context,
): Promise<Graph> {
  const moments = by !== "magnitude" || refit ? (await measured.moments(graph)).moments : undefined;
  const budget = kind === "macs" ? { macs: left } : { parameters: left };
  const mask = selectChannels(graph, budget, by === "magnitude" ? {} : { moments });
  return removeDeadChannels(refit ? reconstruct(graph, mask, moments!) : applyMask(graph, mask));
}

const parameters = (graph: Graph): number =>
  [...graph.constants.values()].reduce((sum, { dtype, data }) => sum + (dtype === "f32" ? data.length : 0), 0);

const isAll = (patterns: readonly string[]): boolean => patterns.length === 1 && patterns[0] === "*";

const summaryOf = (mask: Mask) => inspectMask(mask).map(({ name, elements, removed }) => ({ name, elements, removed }));

const patternOf = (pattern: Options["pattern"]): Pattern =>
  typeof pattern === "object" ? { kind: "n:m", ...pattern } : { kind: pattern as Exclude<Pattern["kind"], "n:m"> };
