import type { LayerReport } from "../compress/report.ts";
import { html, type Markup } from "./markup.ts";
import { bytes, count, decibels, share } from "./numbers.ts";

/** Signal to noise that fills a bar, in dB. */
const FULL = 60;

/** Layers with what each costs and what became of its output. */
export function layerTable(layers: readonly LayerReport[]): Markup {
  const rows = layers.map(
    (
      layer,
    ) => html`<tr><td class="name">${layer.name}</td><td>${layer.op}</td><td>${layer.output}</td><td class="n">${count(layer.macs)}</td>
<td class="n">${count(layer.params)}</td><td class="n">${bytes(layer.bytes)}</td><td class="n">${layer.bitsPerWeight > 0 ? layer.bitsPerWeight.toFixed(2) : ""}</td>
<td class="n">${layer.params > 0 ? share(layer.zeros, 1) : ""}${layer.sparse && " skipped"}</td><td>${ratio(layer.sqnr)}</td></tr>`,
  );
  return html`<div class="scroll"><table><tr><th>layer</th><th>op</th><th>output</th><th class="n">MACs</th><th class="n">parameters</th><th class="n">bytes</th>
<th class="n">bits/weight</th><th class="n">zeros</th><th>SQNR dB</th></tr>${rows}</table></div>`;
}

function ratio(sqnr: number | undefined): Markup | undefined {
  if (sqnr === undefined) return undefined;
  const width = (100 * Math.min(Math.max(sqnr, 0), FULL)) / FULL;
  return html`${decibels(sqnr)}<span class="bar"><i style="width:${width.toFixed(0)}%"></i></span>`;
}
