/** The kinds of steps that recipes are made of. */
import type { GenericSchema } from "valibot";
import type { Step } from "../step.ts";
import { clean } from "./clean.ts";
import { correctBias } from "./correct-bias.ts";
import { equalize } from "./equalize.ts";
import { mask } from "./mask.ts";
import { prune } from "./prune.ts";
import { quantize } from "./quantize.ts";
import { search } from "./search.ts";

export const STEPS = { clean, equalize, prune, mask, quantize, search, "correct-bias": correctBias };

export type StepName = keyof typeof STEPS;

export const stepOf = (name: StepName): Step<GenericSchema> => STEPS[name] as unknown as Step<GenericSchema>;
