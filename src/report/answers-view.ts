import type { Answers, ChangedAnswer } from "./answers.ts";
import { html, type Markup } from "./markup.ts";
import { share } from "./numbers.ts";

/** How many inputs are answered in another way, and the first of them with what they were and are taken for. */
export function answersView(answers: Answers, labels: readonly string[] | undefined): Markup {
  const { data, samples, changed, correct, examples } = answers;
  const nameOf = (place: number): string => labels?.[place] ?? `class ${place}`;
  const card = ({ index, before, after, label, image }: ChangedAnswer) => html`<figure>${image && html`<img alt="" src="${image}">`}
<figcaption>${nameOf(before)} → ${nameOf(after)}<br><span class="dim">item ${index}${label !== undefined && `, is ${nameOf(label)}`}</span></figcaption></figure>`;
  const accuracy = correct && html`<p>Right: ${share(correct.before, samples)} in f32, ${share(correct.after, samples)} now.</p>`;
  const more = examples.length < changed && html`<p class="dim">The first ${examples.length} are shown.</p>`;
  return html`<p>${changed} of ${samples} inputs (${share(changed, samples)}) have another best class than in f32.</p>${accuracy}<p class="dim">${data}</p>
<div class="answers">${examples.map(card)}</div>${more}`;
}
