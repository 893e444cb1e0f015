import type { StepNote } from "../compress/state.ts";
import type { Evidence } from "./evidence.ts";
import { html, type Markup } from "./markup.ts";
import { digits } from "./numbers.ts";

/** The recipe, and below each step what it did: facts in a line, lists of objects folded away. */
export function stepList(recipe: Evidence["recipe"], notes: readonly StepNote[]): Markup {
  const left = [...notes];
  const items = recipe.map(({ step, options }) => {
    const at = left.findIndex((note) => note.step === step);
    const [note] = at < 0 ? [] : left.splice(at, 1);
    return html`<li><strong>${step}</strong> <span class="dim">${brief(options)}</span>${note && factsOf(note)}</li>`;
  });
  return html`<ol>${items}</ol>`;
}

function factsOf({ step: _, ...facts }: StepNote): Markup[] {
  return Object.entries(facts).map(([fact, value]) =>
    isLong(value)
      ? html`<details><summary>${fact}${Array.isArray(value) && `: ${value.length}`}</summary><pre>${JSON.stringify(value, null, 1)}</pre></details>`
      : html`<p>${fact}: ${brief(value)}</p>`,
  );
}

const MOST_TEXT = 120;

const isLong = (value: unknown): boolean => typeof value === "object" && value !== null && brief(value).length > MOST_TEXT;

/** A value in a line: what a person would write of an object. */
function brief(value: unknown): string {
  if (typeof value === "number") return digits(value);
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(brief).join(", ");
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .filter(([, part]) => part !== undefined && !(Array.isArray(part) && part.length === 0))
    .map(([key, part]) => `${key} ${typeof part === "object" ? `{ ${brief(part)} }` : brief(part)}`)
    .join(", ");
}
