/**
 * Labels: every place along an axis that can be made shorter has one, and places that can only go together have equal ones. Classes of equal labels are kept by
 * union-find. Class 0 is that of places that stay.
 */

/** One label for each place along an axis. */
export type Labels = Int32Array;

/** Labels of each axis of a value; undefined where the axis stays as it is. */
export type Axes = readonly (Labels | undefined)[];

export const PINNED = 0;

export class Classes {
  readonly #parent: number[] = [PINNED];

  /** Labels that nothing else has. */
  fresh(n: number): Labels {
    return Int32Array.from({ length: n }, () => this.#parent.push(this.#parent.length) - 1);
  }

  /** The class of a label: its least member, so that what is joined with a pinned one is pinned. */
  of(label: number): number {
    let root = label;
    while (this.#parent[root] !== root) root = this.#parent[root];
    for (let at = label; at !== root; ) [this.#parent[at], at] = [root, this.#parent[at]];
    return root;
  }

  join(a: number, b: number): void {
    const [x, y] = [this.of(a), this.of(b)];
    this.#parent[Math.max(x, y)] = Math.min(x, y);
  }

  joinAll(a: Labels, b: Labels): void {
    a.forEach((label, i) => {
      this.join(label, b[i]);
    });
  }

  pin(labels: Labels | undefined): void {
    for (const label of labels ?? []) this.join(label, PINNED);
  }
}
