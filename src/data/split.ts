import { EdgepackError } from "../errors.ts";
import { readItems } from "./clean.ts";
import { type Dataset, subset } from "./dataset.ts";
import { digestOf } from "./digest.ts";
import { mulberry32 } from "./sample.ts";

/** Items that stay together, and the class by which they are spread. */
export interface Bundle {
  readonly items: readonly number[];
  readonly label?: number;
}

/** Fisher and Yates, in Durstenfeld's form: each order equally likely. */
function shuffle<T>(values: T[], random: () => number): T[] {
  for (let i = values.length - 1; i > 0; i--) {
    const k = Math.floor(random() * (i + 1));
    [values[i], values[k]] = [values[k], values[i]];
  }
  return values;
}

/**
 * Deals bundles out to parts that get `shares` (fractions that sum to 1) of the items, of each class and of all. Within a class the order is random; each
 * bundle goes to the part that lacks most, and what a part lacks is carried from class to class, so that where bundles are single items no part is
 * off its share by a whole item. Each part's items ascend.
 */
export function stratify(bundles: readonly Bundle[], shares: readonly number[], seed: number): number[][] {
  const random = mulberry32(seed);
  const strata = new Map<number, Bundle[]>();
  for (const bundle of bundles) {
    const key = bundle.label ?? -1;
    const stratum = strata.get(key);
    if (stratum) stratum.push(bundle);
    else strata.set(key, [bundle]);
  }
  const parts: number[][] = shares.map(() => []);
  const lacking = shares.map(() => 0);
  for (const [, stratum] of [...strata].sort(([a], [b]) => a - b)) {
    const size = stratum.reduce((n, { items }) => n + items.length, 0);
    for (const [p, share] of shares.entries()) lacking[p] += share * size;
    for (const { items } of shuffle(stratum, random)) {
      const most = lacking.indexOf(Math.max(...lacking));
      lacking[most] -= items.length;
      parts[most].push(...items);
    }
  }
  return parts.map((part) => part.sort((a, b) => a - b));
}

const TOLERANCE = 1e-6;

/**
 * Splits a dataset into parts with these shares of it (each ≥ 0, together 1), every class spread by them, chosen by the seed. Items that hold the same
 * values land in the same part, so that no part holds what another does. Reads every item once. Throws USAGE for other shares, DATA_INVALID
 * where a part that is to get something is left with nothing, or items are bad (as readItems does).
 */
export async function splitDataset(dataset: Dataset, shares: readonly number[], seed: number): Promise<Dataset[]> {
  const sum = shares.reduce((a, b) => a + b, 0);
  if (!(shares.every((share) => share >= 0) && Math.abs(sum - 1) <= TOLERANCE))
    throw new EdgepackError("USAGE", `a split of ${shares.join(", ")}: its shares must be 0 or more, and sum to 1`);
  const bundles = new Map<string, { items: number[]; label?: number }>();
  const all = Array.from({ length: dataset.count }, (_, i) => i);
  let i = 0;
  for await (const item of readItems(dataset, all)) {
    const digest = digestOf(item);
    const bundle = bundles.get(digest);
    if (bundle) bundle.items.push(i);
    else bundles.set(digest, { items: [i], label: dataset.labels?.[i] });
    i++;
  }
  const parts = stratify([...bundles.values()], shares, seed);
  const empty = parts.findIndex((part, p) => part.length === 0 && shares[p] > 0);
  if (empty >= 0)
    throw new EdgepackError("DATA_INVALID", `${dataset.description}: too few for a share of ${shares[empty]}, which gets none of them`);
  return parts.map((part) => subset(dataset, part));
}
