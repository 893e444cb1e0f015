/** Bad items: found, counted and named; passed over only where that was asked for. */
import { EdgepackError } from "../errors.ts";
import { type DataItem, type Dataset, subset } from "./dataset.ts";
import { digestOf } from "./digest.ts";

/** What can be wrong with an item. A duplicate is the second or later of items that hold the same. */
export const FAULTS = ["unreadable", "not finite", "bad label", "duplicate"] as const;
export type Fault = (typeof FAULTS)[number];

export interface Finding {
  readonly item: number;
  readonly fault: Fault;
  /** For people: which item, and what is wrong. */
  readonly reason: string;
}

export interface ExamineOptions {
  /** How many classes there are; without, any label from 0 is good. */
  readonly classes?: number;
  /** Pass over bad items and duplicates, instead of throwing at the end. */
  readonly skipBad?: boolean;
  /** Look for NaN and infinities: true where absent. */
  readonly finite?: boolean;
  /** Hash items to find duplicates: true where absent. They are an error for nobody, and dropped with `skipBad`. */
  readonly duplicates?: boolean;
  /** Told of each finding as it is made. */
  readonly onFinding?: (finding: Finding) => void;
}

const MOST_NAMED = 20;

/** The first number of an item that is NaN or infinite. */
function notFinite(item: DataItem): string | undefined {
  for (const [name, values] of Object.entries(item)) {
    const at = values instanceof Float32Array ? values.findIndex((v) => !Number.isFinite(v)) : -1;
    if (at >= 0) return `input ${name} is ${values[at]} at ${at}`;
  }
  return undefined;
}

/** What is wrong with an item's label, if anything. */
function badLabel(label: number, classes = Number.POSITIVE_INFINITY): string | undefined {
  if (label < 0) return "it has no label, or one below 0";
  return label < classes ? undefined : `label ${label}, and there are classes 0 to ${classes - 1}`;
}

function failOn(dataset: Dataset, bad: readonly Finding[]): void {
  const { description } = dataset;
  if (bad.length === 1)
    throw new EdgepackError("DATA_INVALID", bad[0].fault === "unreadable" ? bad[0].reason : `${description}: ${bad[0].reason}`);
  if (bad.length > 1) throw new EdgepackError("DATA_INVALID", `${description}: ${countsOf(bad)}`, namesOf(bad));
}

/** Throws DATA_INVALID where items have no label, or one that is no class: counts all, names the first 20. Reads no items. */
export function checkLabels(dataset: Dataset, classes?: number): void {
  const bad: Finding[] = [];
  dataset.labels?.forEach((label, item) => {
    const reason = badLabel(label, classes);
    if (reason) bad.push({ item, fault: "bad label", reason: `item ${item}: ${reason}` });
  });
  failOn(dataset, bad);
}

/**
 * Reads the items at `indices`, in that order, and judges each. After the first bad one nothing more is yielded, but the rest is still read, so that the
 * one DATA_INVALID thrown at the end counts all that are bad and names the first 20; with `skipBad`, the good ones are yielded and none thrown.
 */
export async function* examine(
  dataset: Dataset,
  indices: Iterable<number>,
  { classes, skipBad = false, finite = true, duplicates = true, onFinding }: ExamineOptions = {},
): AsyncGenerator<{ readonly index: number; readonly item: DataItem }> {
  const first = new Map<string, number>();
  const bad: Finding[] = [];
  const { labels } = dataset;
  for (const index of indices) {
    let item: DataItem | undefined;
    let finding: Finding | undefined;
    const found = (fault: Fault, reason: string) => {
      finding = { item: index, fault, reason };
    };
    try {
      item = await dataset.item(index);
    } catch (error) {
      if (!(error instanceof EdgepackError) || error.code !== "DATA_INVALID") throw error;
      found("unreadable", error.message);
    }
    const label = labels?.[index];
    const infinite = finite && item ? notFinite(item) : undefined;
    const mislabelled = label === undefined ? undefined : badLabel(label, classes);
    if (infinite) found("not finite", `item ${index}: ${infinite}`);
    else if (item && mislabelled) found("bad label", `item ${index}: ${mislabelled}`);
    else if (item && duplicates) {
      const digest = digestOf(item);
      const same = first.get(digest);
      if (same === undefined) first.set(digest, index);
      else found("duplicate", `item ${index}: the same as item ${same}${labels?.[same] === label ? "" : ", with another label"}`);
    }
    if (finding) onFinding?.(finding);
    if (finding && finding.fault !== "duplicate") bad.push(finding);
    if (item && (skipBad ? !finding : bad.length === 0)) yield { index, item };
  }
  if (!skipBad) failOn(dataset, bad);
}

/** How many items have which fault, as in `2 unreadable, 1 bad label`. */
export function countsOf(findings: readonly Finding[]): string {
  const counts = FAULTS.map((fault) => ({ fault, count: findings.filter((f) => f.fault === fault).length }));
  return counts.flatMap(({ fault, count }) => (count > 0 ? [`${count} ${fault}`] : [])).join(", ");
}

/** The findings in words: the first 20, and how many more there are. */
export function namesOf(findings: readonly Finding[]): string[] {
  const named = findings.slice(0, MOST_NAMED).map(({ reason }) => reason);
  return findings.length > MOST_NAMED ? [...named, `and ${findings.length - MOST_NAMED} more`] : named;
}

/**
 * The items at `indices`, in that order. At the first unreadable one nothing more is yielded, but the rest is still read, so that the one DATA_INVALID
 * thrown at the end counts them all and names the first 20. NaN and infinities pass: a model may well take them.
 */
export async function* readItems(dataset: Dataset, indices: Iterable<number>): AsyncGenerator<DataItem> {
  const { labels: _, ...unlabelled } = dataset;
  for await (const { item } of examine(unlabelled, indices, { finite: false, duplicates: false })) yield item;
}

/** A dataset without its bad items and duplicates, which takes reading all of it, and what was found. */
export async function clean(dataset: Dataset, classes?: number): Promise<{ dataset: Dataset; findings: readonly Finding[] }> {
  const findings: Finding[] = [];
  const good: number[] = [];
  const all = Array.from({ length: dataset.count }, (_, i) => i);
  for await (const { index } of examine(dataset, all, { classes, skipBad: true, onFinding: (f) => findings.push(f) })) good.push(index);
  if (good.length === 0)
    throw new EdgepackError("DATA_INVALID", `${dataset.description}: no item is good: ${countsOf(findings)}`, namesOf(findings));
  return { dataset: findings.length === 0 ? dataset : subset(dataset, good), findings };
}
