/** Which items a run may look at for what: calibration and validation have none in common. */
import { createHash } from "node:crypto";
import { type DataItem, type Dataset, sampleIndices } from "../data/index.ts";
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

/** Throws DATA_INVALID where the same item stands in both sets that were given. Validation is absent where no items are left for it. */
export async function partsOf(options: PartsOptions): Promise<{ calibration: Samples; validation?: Samples }> {
  const { calibration: data, validation, seed } = options;
  const calibration = { data, indices: sampleIndices(data.count, options.calibrationCount, seed) };
  const seen = new Set<string>();
  for (const index of calibration.indices) seen.add(await digestOf(data, index));
  if (validation) {
    const indices = sampleIndices(validation.count, options.validationCount, seed);
    const leaked: number[] = [];
    for (const index of indices) if (seen.has(await digestOf(validation, index))) leaked.push(index);
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
  for (const i of sampleIndices(rest.length, options.validationCount, seed + 1))
    if (!seen.has(await digestOf(data, rest[i]))) indices.push(rest[i]);
  return { calibration, ...(indices.length > 0 && { validation: { data, indices } }) };
}

async function digestOf(data: Dataset, index: number): Promise<string> {
  const item: DataItem = await data.item(index);
  const hash = createHash("sha256");
  for (const name of Object.keys(item).sort()) {
    const { buffer, byteOffset, byteLength } = item[name];
    hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest("base64");
}

/** Stands for the items of a part, whatever file they came from. */
export async function identityOf({ data, indices }: Samples): Promise<string> {
  const hash = createHash("sha256");
  for (const index of indices) hash.update(await digestOf(data, index)).update(`${data.labels?.[index] ?? ""}`);
  return hash.digest("base64");
}
