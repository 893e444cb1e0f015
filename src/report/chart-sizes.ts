import type { BuildReport } from "../compress/report.ts";
import { html, type Markup } from "./markup.ts";
import { bytes, share } from "./numbers.ts";

/** Parts of a pack, and the class that colours each. */
const PARTS = [
  ["weights", "weights", "a"],
  ["constants", "other constants", "c"],
  ["plan", "plan", "b"],
  ["meta", "metadata", "d"],
  ["container", "container", "e"],
] as const;

const WIDTH = 600;
const HEIGHT = 22;

/** The pack, part by part, as one bar that is as long as the page; beside it what each part takes. */
export function sizeChart({ sizes }: BuildReport): Markup {
  let x = 0;
  const bars = PARTS.map(([part, title, color]) => {
    const width = (WIDTH * sizes[part]) / sizes.epk;
    x += width;
    return html`<rect class="${color}" x="${x - width}" width="${width}" height="${HEIGHT}"><title>${title}: ${bytes(sizes[part])}</title></rect>`;
  });
  const row = (title: string | Markup, n: number) =>
    html`<tr><td>${title}</td><td class="n">${bytes(n)}</td><td class="n">${share(n, sizes.epk)}</td><td class="n">${share(n, sizes.onnx)}</td></tr>`;
  const key = (title: string, color: string) =>
    html`<span class="key"><svg viewBox="0 0 1 1"><rect class="${color}" width="1" height="1"/></svg></span>${title}`;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="bytes of the pack by part">${bars}</svg>
<div class="scroll"><table><tr><th></th><th class="n">bytes</th><th class="n">of the .epk</th><th class="n">of the .onnx</th></tr>
${PARTS.map(([part, title, color]) => row(key(title, color), sizes[part]))}${row(".epk", sizes.epk)}${row(".onnx", sizes.onnx)}</table></div>`;
}
