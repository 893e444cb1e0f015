import * as v from "valibot";
import { readItems } from "../../data/index.ts";
import type { Graph } from "../../graph/graph.ts";
import { instrument } from "../instrument.ts";
import { channelAxis, migrate, rangesOf, type Site, sitesOf } from "../migrate.ts";
import type { Context } from "../state.ts";
import { defineStep } from "../step.ts";

/** Factors stay within these bounds: beyond them channels are as good as dead, and floats lose their small bits. */
const LARGEST_FACTOR = 1e4;

/**
 * Evens out the ranges of channels by moving scale between layers. By weights: both layers' ranges become the same (cross-layer equalization, Nagel et al. 2019).
 * By activations: what is hard to put on a grid in a value's channels moves into the weights that read them, by the share `strength` (SmoothQuant, Xiao et al. 2023).
 */
export const equalize = defineStep({
  summary: "moves scale between layers, so that channels use their grids alike",
  options: v.strictObject({
    by: v.optional(v.pipe(v.picklist(["weights", "activations"]), v.description("what is made alike")), "activations"),
    strength: v.optional(
      v.pipe(v.number(), v.minValue(0), v.maxValue(1), v.description("share of the activations' differences that moves into weights")),
      0.5,
    ),
    openClips: v.optional(
      v.pipe(
        v.boolean(),
        v.description(
          "let activations that are cut off above, as by ReLU6, go on: channels can then be scaled, but answers change a little",
        ),
      ),
      false,
    ),
    sweeps: v.optional(
      v.pipe(
        v.number(),
        v.integer(),
        v.minValue(1),
        v.maxValue(20),
        v.description("by weights: how often all pairs of layers are gone through"),
      ),
      3,
    ),
  }),
  takes: "reals",
  leaves: "reals",
  inferences: ({ by }, { items }) => (by === "activations" ? items : 0),
  async run(state, { by, strength, openClips, sweeps }, context) {
    let graph = openClips ? withoutClips(state.graph) : state.graph;
    const sites = sitesOf(graph);
    const seen = by === "activations" ? await channelRanges(graph, sites, context) : undefined;
    for (let sweep = 0; sweep < (seen ? 1 : sweeps); sweep++) {
      for (const site of sites) {
        const { made, read } = rangesOf(graph, site);
        const activation = seen?.get(site.value);
        const wanted = activation
          ? Array.from(activation, (a, c) => a ** strength / read[c] ** (1 - strength))
          : Array.from(made, (m, c) => Math.sqrt(m / read[c]));
        graph = migrate(graph, site, bounded(wanted));
      }
    }
    return { ...state, graph, notes: [...state.notes, { step: "equalize", by, values: sites.map(({ value }) => value) }] };
  },
});

/** Factors that are of use, around 1: what is not a number, or 0, stays as it is. */
function bounded(wanted: readonly number[]): Float64Array {
  const useful = wanted.filter((f) => Number.isFinite(f) && f > 0);
  const mean = Math.exp(useful.reduce((sum, f) => sum + Math.log(f), 0) / Math.max(useful.length, 1));
  return Float64Array.from(wanted, (f) =>
    Number.isFinite(f) && f > 0 ? Math.min(Math.max(f / mean, 1 / LARGEST_FACTOR), LARGEST_FACTOR) : 1,
  );
}

function withoutClips(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) =>
    (node.op === "Conv" || node.op === "MatMul") && node.attrs.min === 0 && node.attrs.max !== Number.POSITIVE_INFINITY
      ? { ...node, attrs: { ...node.attrs, max: Number.POSITIVE_INFINITY } }
      : node,
  );
  return { ...graph, nodes };
}

/** Largest magnitude of each channel of the sites' values on calibration data. */
async function channelRanges(
  graph: Graph,
  sites: readonly Site[],
  { calibration, preprocess, onProgress }: Context,
): Promise<Map<string, Float64Array>> {
  const ranges = new Map(sites.map(({ value, channels }) => [value, new Float64Array(channels)]));
  if (sites.length === 0) return ranges;
  const strides = new Map(
    sites.map(({ value, producer }) => {
      const { shape } = graph.types.get(value)!;
      return [value, shape.slice(channelAxis(producer, shape.length) + 1).reduce((n, d) => n * d, 1)];
    }),
  );
  const model = await instrument(graph, [...ranges.keys()], preprocess);
  try {
    let done = 0;
    for await (const item of readItems(calibration.data, calibration.indices)) {
      for (const [value, x] of model.run(item)) {
        const range = ranges.get(value)!;
        const stride = strides.get(value)!;
        for (let i = 0; i < x.length; i++) {
          const channel = Math.floor(i / stride) % range.length;
          const size = Math.abs(x[i]);
          if (size > range[channel] && Number.isFinite(size)) range[channel] = size;
        }
      }
      done++;
      onProgress?.("looking at channels", done, calibration.indices.length);
    }
  } finally {
    model.dispose();
  }
  return ranges;
}
