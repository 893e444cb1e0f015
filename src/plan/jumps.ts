import { JumpField } from "../../assembly/shared/control.ts";
import type { Label, Word } from "../ops/lowering.ts";

/** Labels and the jumps to them, which get their distances once every record stands. */
export class Jumps {
  /** The record that each label stands before. */
  readonly #marks: number[] = [];
  readonly #jumps: { readonly record: number; readonly to: Label }[] = [];

  label(): Label {
    this.#marks.push(-1);
    return { label: this.#marks.length - 1 };
  }

  mark({ label }: Label, record: number): void {
    this.#marks[label] = record;
  }

  /** Record number `record` jumps to a label; every kind of jump has its distance in the same word. */
  add(to: Label, record: number): void {
    this.#jumps.push({ record, to });
  }

  /** Writes the distances, in words from each jump's own start. */
  settle(records: readonly Word[][]): void {
    let at = 0;
    const starts = records.map((words) => {
      at += words.length;
      return at - words.length;
    });
    starts.push(at);
    for (const { record, to } of this.#jumps) records[record][JumpField.words] = starts[this.#marks[to.label]] - starts[record];
  }
}
