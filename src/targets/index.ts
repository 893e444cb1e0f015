/** Where models go: one row a target, and what writes its folder. */
import { cloudflare } from "./cloudflare.ts";
import { deno } from "./deno.ts";
import { compareLimits, type LimitRow, type Usage } from "./limits.ts";
import { node } from "./node.ts";
import { readRuntime } from "./runtime.ts";
import type { Files, Target, TargetInput } from "./target.ts";
import { web } from "./web.ts";

export { type LimitRow, type Usage, usageOf } from "./limits.ts";
export { type Runtime, readRuntime } from "./runtime.ts";
export type { Files, Target, TargetInput } from "./target.ts";

export const TARGETS = { cloudflare, deno, web, node } as const satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;

/** Names come from models and files; in pages and comments they stay on one line. */
const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, " ").trim() || "model";

/**
 * Everything that a target receives, ready to be written to a folder. `runtime` is this edgepack's own where none is given.
 * @throws EdgepackError FILE where edgepack's own files are missing.
 */
export async function writeTarget(
  target: TargetName,
  pack: Omit<TargetInput, "runtime"> & Partial<Pick<TargetInput, "runtime">>,
): Promise<Files> {
  const runtime = pack.runtime ?? (await readRuntime());
  return TARGETS[target].files({ ...pack, runtime, modelName: oneLine(pack.modelName) });
}

/** Compares a package (`usageOf` its files) with the target's limits, one row a limit. */
export function checkLimits(target: TargetName, usage: Usage): LimitRow[] {
  return compareLimits(TARGETS[target].limits, usage);
}
