/** A compression run as data: a list of steps. */
import * as v from "valibot";
import { EdgepackError } from "../errors.ts";
import { closest } from "../onnx/suggest.ts";
import { STEPS, type StepName, stepOf } from "./steps/index.ts";

type OptionsOf<Name extends StepName> = v.InferInput<(typeof STEPS)[Name]["options"]>;

/** One step with its options, as a user writes it: `{ step: "quantize", weights: { bits: 4 } }`. */
export type StepSpec = { [Name in StepName]: { readonly step: Name } & OptionsOf<Name> }[StepName];

/** A step whose options are checked and complete. */
export interface CheckedStep {
  readonly step: StepName;
  readonly options: unknown;
}

/** Throws CONFIG with all that is wrong with the steps: unknown ones, unknown or wrong options, an order that makes no sense. */
export function checkRecipe(steps: unknown): CheckedStep[] {
  if (!Array.isArray(steps)) throw new EdgepackError("CONFIG", 'steps is a list, as in [{ step: "quantize" }]');
  const problems: string[] = [];
  const checked = steps.flatMap((spec: unknown, i): CheckedStep[] => {
    const at = `steps[${i}]`;
    const name = typeof spec === "object" && spec !== null ? (spec as { step?: unknown }).step : undefined;
    if (typeof name !== "string" || !Object.hasOwn(STEPS, name)) {
      const names = Object.keys(STEPS);
      problems.push(`${at}: "${String(name)}" is no step${suggestion(String(name), names)}; there are ${names.join(", ")}`);
      return [];
    }
    const { step: _, ...options } = spec as Record<string, unknown>;
    const result = v.safeParse(stepOf(name as StepName).options, options);
    if (!result.success) problems.push(...describeIssues(result.issues, `${at} (${name})`, stepOf(name as StepName).options));
    return result.success ? [{ step: name as StepName, options: result.output }] : [];
  });
  if (problems.length === 0) problems.push(...orderProblems(checked));
  if (problems.length > 0) throw new EdgepackError("CONFIG", "The recipe cannot be run:", problems);
  return checked;
}

function orderProblems(steps: readonly CheckedStep[]): string[] {
  let before: number | undefined;
  return steps.flatMap(({ step }, i) => {
    const { takes, leaves } = stepOf(step);
    const fits = takes === "integers" ? before !== undefined : before === undefined;
    const problem =
      takes === "integers"
        ? `steps[${i}] (${step}) works on weights that are on grids, and none are yet: put it behind quantize`
        : `steps[${i}] (${step}) works on f32 weights, and steps[${before}] (${before !== undefined && steps[before].step}) has put them on grids: put it before`;
    if (leaves === "integers") before ??= i;
    return fits ? [] : [problem];
  });
}

/** Issues of a schema as lines: where, and what is wrong; unknown keys with the known one that they may be a slip of. */
export function describeIssues(issues: readonly v.BaseIssue<unknown>[], at: string, schema: unknown): string[] {
  return issues.map((issue) => {
    const path = v.getDotPath(issue as v.IsoDateIssue<string>) ?? "";
    const where = path ? `${at}.${path}` : at;
    if (issue.type !== "strict_object" || issue.expected !== "never") return `${where}: ${issue.message}`;
    const key = path.split(".").at(-1)!;
    return `${where}: there is no such option${suggestion(key, [...new Set(keysOf(schema))])}`;
  });
}

/** The keys of all objects that a schema describes. */
function keysOf(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const {
    entries = {},
    wrapped,
    pipe = [],
    options = [],
    item,
  } = schema as {
    entries?: Record<string, unknown>;
    wrapped?: unknown;
    pipe?: unknown[];
    options?: unknown[];
    item?: unknown;
  };
  const inner = [wrapped, item, ...Object.values(entries), ...pipe.filter((part) => part !== schema), ...options];
  return [...Object.keys(entries), ...inner.flatMap(keysOf)];
}

const suggestion = (name: string, names: readonly string[]): string => {
  const close = closest(name, names);
  return close ? ` (did you mean ${close}?)` : "";
};
