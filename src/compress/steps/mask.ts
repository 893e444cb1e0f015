import * as v from "valibot";
import { applyMask, checkMask, combineMasks, inspectMask, invertMask, loadMask, reconstruct } from "../prune/index.ts";
import { defineStep } from "../step.ts";

const OPTIONS = v.strictObject({
  file: v.pipe(v.string(), v.description("an .npz with a bool array for each constant, as `build --save-mask` writes it")),
  invert: v.optional(v.pipe(v.boolean(), v.description("remove what the mask keeps, and keep what it removes")), false),
  reconstruct: v.optional(v.pipe(v.boolean(), v.description("refit the weights that stay to what the layer did")), true),
});

/** Removes the weights that a saved mask names: a choice that was made before, or by another tool. */
export const mask = defineStep({
  summary: "removes the weights that a saved mask names",
  options: OPTIONS,
  paths: ["file"],
  takes: "reals",
  leaves: "reals",
  inferences: ({ reconstruct: refit }, { items }) => (refit ? items : 0),
  async run(state, { file, invert, reconstruct: refit }, { measured }) {
    const { graph } = state;
    const loaded = loadMask(file);
    checkMask(graph, loaded);
    const all = combineMasks(state.mask, invert ? invertMask(loaded) : loaded);
    return {
      ...state,
      graph: refit ? reconstruct(graph, all, (await measured.moments(graph)).moments) : applyMask(graph, all),
      mask: all,
      notes: [
        ...state.notes,
        { step: "mask", weights: inspectMask(all).map(({ name, elements, removed }) => ({ name, elements, removed })) },
      ],
    };
  },
});
