export interface Ranked {
  readonly index: number;
  readonly label?: string;
  readonly score: number;
}

/** The `k` largest of `values`, largest first; of equal ones the first. NaN ranks last. */
export function topK(values: ArrayLike<number>, k: number, labels?: readonly string[]): Ranked[] {
  const rank = (i: number) => (Number.isNaN(values[i]) ? Number.NEGATIVE_INFINITY : values[i]);
  return Array.from(values, (_, i) => i)
    .sort((a, b) => rank(b) - rank(a) || a - b)
    .slice(0, k)
    .map((index) => ({ index, ...(labels && { label: labels[index] }), score: values[index] }));
}
