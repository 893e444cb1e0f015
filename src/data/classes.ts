/** What a source says of its items' classes, as a Dataset holds it. */
export interface Classes {
  readonly labels: Int32Array;
  readonly classes?: readonly string[];
}

const NUMBER = /^-?\d{1,9}$/;

/**
 * The number of each item's class, −1 where it has none: by the model's labels where all names are among them; the names themselves where
 * they are whole numbers; else their place in sorted order (code points).
 */
export function classNumbers(names: readonly (string | undefined)[], labels: readonly string[] | undefined): Classes {
  const distinct = [...new Set(names.filter((name) => name !== undefined))].sort((a, b) => (a < b ? -1 : 1));
  const numbered = (numberOf: (name: string) => number) => {
    const numbers = new Map(distinct.map((name) => [name, numberOf(name)]));
    return Int32Array.from(names, (name) => (name === undefined ? -1 : numbers.get(name)!));
  };
  if (labels && distinct.every((name) => labels.includes(name)))
    return { labels: numbered((name) => labels.indexOf(name)), classes: labels };
  if (distinct.every((name) => NUMBER.test(name))) return { labels: numbered(Number), classes: labels };
  const places = new Map(distinct.map((name, i) => [name, i]));
  return { labels: numbered((name) => places.get(name)!), classes: distinct };
}
