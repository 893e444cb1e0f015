import type { GenericSchema, InferOutput } from "valibot";
import type { Context, State } from "./state.ts";

/** What the weights of linear layers are: f32, or integers on grids. */
export type WeightForm = "reals" | "integers";

/** One kind of step of a recipe. Its options are data: configurations are checked against the schema, and their documentation is read off it. */
export interface Step<Schema extends GenericSchema> {
  /** For people: what it does, as a sentence without its end. */
  readonly summary: string;
  readonly options: Schema;
  /** Options that are paths; configurations have them relative to themselves. */
  readonly paths?: readonly string[];
  /** What it works on and what it leaves behind: recipes whose steps do not follow from each other are refused. */
  readonly takes: WeightForm;
  readonly leaves: WeightForm;
  /** Whether it asks how well models answer, so that some of the data must be kept for it. */
  readonly validates?: boolean;
  /** About how many inferences of the f32 model it makes, for so many calibration items, validation items and values of the graph. */
  inferences(options: InferOutput<Schema>, sizes: { readonly items: number; readonly validation: number; readonly values: number }): number;
  run(state: State, options: InferOutput<Schema>, context: Context): Promise<State>;
}

export const defineStep = <Schema extends GenericSchema>(step: Step<Schema>): Step<Schema> => step;
