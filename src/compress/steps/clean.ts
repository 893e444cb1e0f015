import * as v from "valibot";
import { cleanUp, foldConstantChannels } from "../clean.ts";
import { maskOfZeros } from "../prune/index.ts";
import { defineStep } from "../step.ts";

/** Takes out what costs bytes and gives nothing. */
export const clean = defineStep({
  summary: "takes out dead channels, and constants that are there twice",
  options: v.strictObject({
    foldConstants: v.optional(
      v.pipe(
        v.boolean(),
        v.description("also channels that are always the same number, which goes into biases: outputs change by rounding"),
      ),
      false,
    ),
  }),
  takes: "reals",
  leaves: "reals",
  inferences: () => 0,
  async run(state, { foldConstants }) {
    const clean = cleanUp(foldConstants ? foldConstantChannels(state.graph) : state.graph);
    const removed = [...state.graph.constants.values()].length - clean.constants.size;
    const masked = [...state.mask.keys()].filter((name) => clean.constants.has(name));
    return {
      ...state,
      graph: clean,
      mask: maskOfZeros(clean, masked),
      notes: [...state.notes, { step: "clean", constantsRemoved: removed }],
    };
  },
});
