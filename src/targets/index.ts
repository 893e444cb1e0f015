/** Where models go: one row a target, and what writes its folder. */
import { readEpk } from "../format/index.ts";
import { opsOf } from "../format/ops.ts";
import { cloudflare } from "./cloudflare.ts";
import { deno } from "./deno.ts";
import { compareLimits, type LimitRow, type Usage } from "./limits.ts";
import { node } from "./node.ts";
import { type Runtime, readRuntime } from "./runtime.ts";
import type { Files, Target, TargetInput } from "./target.ts";
import { web } from "./web.ts";

export { type LimitRow, type Usage, usageOf } from "./limits.ts";
export { type Runtime, readRuntime } from "./runtime.ts";
export { type ShippedFile, shippedRuntime } from "./shipped.ts";
export type { Files, Target, TargetInput } from "./target.ts";

export const TARGETS = { cloudflare, deno, web, node } as const satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;

/** Names come from models and files; in pages and comments they stay on one line. */
const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, " ").trim() || "model";

/**
 * Everything that a target receives, ready to be written to a folder. Where no `runtime` is given it is this edgepack's own, with the kernels that
 * the pack's plan needs and no others.
 * @throws EdgepackError FILE where edgepack's own files are missing, EPK_INVALID where the pack is damaged.
 */
export async function writeTarget(
  target: TargetName,
  pack: Omit<TargetInput, "runtime"> & Partial<Pick<TargetInput, "runtime">>,
): Promise<Files> {
  const runtime = pack.runtime ?? (await runtimeFor(pack.epk));
  return TARGETS[target].files({ ...pack, runtime, modelName: oneLine(pack.modelName) });
}

async function runtimeFor(epk: Uint8Array): Promise<Runtime> {
  const { image, meta } = readEpk(epk);
  return readRuntime(opsOf(new Int32Array(image.buffer, 0, meta.image >> 2), meta.plan));
}

/** Compares a package (`usageOf` its files) with the target's limits, one row a limit. */
export function checkLimits(target: TargetName, usage: Usage): LimitRow[] {
  return compareLimits(TARGETS[target].limits, usage);
}
