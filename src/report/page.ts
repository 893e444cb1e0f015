/** A report as one HTML file: no script, and nothing that is loaded from elsewhere. */
import type { StepNote } from "../compress/state.ts";
import { answersView } from "./answers-view.ts";
import { type Point, paretoChart } from "./chart-pareto.ts";
import { sizeChart } from "./chart-sizes.ts";
import { weightCard } from "./chart-weights.ts";
import type { FullReport } from "./evidence.ts";
import { layerTable } from "./layers.ts";
import { html, Markup } from "./markup.ts";
import { bytes, decibels, digits, share } from "./numbers.ts";
import { stepList } from "./steps.ts";
import { STYLE } from "./style.ts";

const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

export function reportPage(report: FullReport): string {
  const { evidence } = report;
  const search = report.steps.find(isSearch);
  const sections: readonly (readonly [title: string, body: Markup | undefined])[] = [
    ["Size", sizeChart(report)],
    ["Recipe", evidence.recipe.length > 0 ? stepList(evidence.recipe, report.steps) : undefined],
    ["What the search found", search && paretoChart(search.front, search.chosen)],
    ["Answers that changed", evidence.answers && answersView(evidence.answers, evidence.labels)],
    ["Layers", layerTable(report.layers)],
    ["Weights", evidence.weights.length > 0 ? html`<div class="cards">${evidence.weights.map(weightCard)}</div>` : undefined],
    ["Warnings", report.warnings.length > 0 ? html`<ul>${report.warnings.map((text) => html`<li>${text}</li>`)}</ul>` : undefined],
  ];
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${report.model} – edgepack report</title><style>${new Markup(STYLE)}</style></head><body>
<h1>${report.model}</h1><p class="dim">${report.mode}</p>${headline(report)}
${sections.map(([title, body]) => body && html`<section><h2>${title}</h2>${body}</section>\n`)}</body></html>
`;
  return page.text;
}

/** What one looks for first. */
function headline({ sizes, agreement, memory }: FullReport): Markup {
  const facts: readonly (readonly [string, string])[] = [
    ["pack", bytes(sizes.epk)],
    ["smaller than the .onnx", `${digits(sizes.onnx / sizes.epk, 3)}×`],
    ["memory", bytes(memory.total)],
    ...(agreement
      ? ([
          [`same best class, ${agreement.samples} ${agreement.source} inputs`, share(agreement.top1, 1)],
          ["SQNR of the outputs, dB", decibels(agreement.sqnr)],
        ] as const)
      : []),
  ];
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

interface SearchNote extends StepNote {
  readonly front: readonly Point[];
  readonly chosen: Point;
}

const isSearch = (note: StepNote): note is SearchNote => note.step === "search";
