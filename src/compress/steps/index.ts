/** The kinds of steps that recipes are made of. */
import type { Step } from "../step.ts";
import { quantize } from "./quantize.ts";
import { search } from "./search.ts";

export const STEPS = { quantize, search };

export type StepName = keyof typeof STEPS;

export const stepOf = (name: StepName): Step<unknown> => STEPS[name] as Step<unknown>;
