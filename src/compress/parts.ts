/** Which items a run may look at for what: calibration and validation have none in common. */
import { createHash } from "node:crypto";
import { type Dataset, digestOf, examine, sampleIndices, stratify } from "../data/index.ts";
import { EdgepackError } from "../errors.ts";
import type { Samples } from "./state.ts";

const NAMED = 5;

export interface PartsOptions {
  readonly calibration: Dataset;
  readonly calibrationCount: number;
  /** Data of their own for validation; without, items of the calibration data that calibration leaves. */
  readonly validation?: Dataset;
  readonly validationCount: number;
  readonly seed: number;
}

/** `take` of the candidates, or all where there are fewer: each class by its share of them, chosen by the seed, ascending. */
function drawn({ labels }: Dataset, candidates: readonly number[], take: number, seed: number): readonly number[] {
  if (take >= candidates.length) return candidates;
  const share = take / candidates.length;
  const bundles = candidates.map((i) => ({ items: [i], label: labels?.[i] }));
  return stratify(bundles, [share, 1 - share], seed)[0];
}

/**
 * Throws DATA_INVALID where items are unreadable or not finite, naming them, and where the same item stands in both sets that were given. Validation is absent
 * where no items are left for it.
 */
export async function partsOf(options: PartsOptions): Promise<{ calibration: Samples; validation?: Samples }> {
  const { calibration: data, validation, validationCount, seed } = options;
  const calibration = { data, indices: sampleIndices(data.count, options.calibrationCount, seed) };
  const seen = new Set<string>();
  const { labels: _, ...unlabelled } = data;
  for await (const { item } of examine(unlabelled, calibration.indices, { duplicates: false })) seen.add(digestOf(item));
  if (validation) {
    const all = Array.from({ length: validation.count }, (_, i) => i);
    const indices = drawn(validation, all, validationCount, seed);
    const leaked: number[] = [];
    for (const index of indices) if (seen.has(digestOf(await validation.item(index)))) leaked.push(index);
    if (leaked.length > 0)
      throw new EdgepackError(
        "DATA_INVALID",
        `${leaked.length} of ${indices.length} validation items are also calibration items, so that a loss measured on them says nothing (items ${leaked.slice(0, NAMED).join(", ")}${leaked.length > NAMED ? ", …" : ""} of ${validation.description}). Take them out of one part.`,
      );
    return { calibration, validation: { data: validation, indices } };
  }
  const used = new Set(calibration.indices);
  const rest = Array.from({ length: data.count }, (_, i) => i).filter((i) => !used.has(i));
  const indices: number[] = [];
  for (const i of drawn(data, rest, validationCount, seed + 1)) if (!seen.has(digestOf(await data.item(i)))) indices.push(i);
  return { calibration, ...(indices.length > 0 && { validation: { data, indices } }) };
}

/** Stands for the items of a part, whatever file they came from. */
export async function identityOf({ data, indices }: Samples): Promise<string> {
  const hash = createHash("sha256");
  for (const index of indices) hash.update(digestOf(await data.item(index))).update(`${data.labels?.[index] ?? ""}`);
  return hash.digest("base64");
}
