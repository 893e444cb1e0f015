import { html, type Markup } from "./markup.ts";
import { count, digits } from "./numbers.ts";
import { dataUri } from "./png.ts";
import type { WeightEvidence } from "./weights.ts";

const [WIDTH, HEIGHT] = [240, 90];
/** Room for the numbers below. */
const FOOT = 14;
/** Values of a grid that can be told apart in the picture. */
const MOST_LINES = 48;

/** How a layer's weights are spread, with the values of their grid over it; and, where many are zero, which. */
export function weightCard(weights: WeightEvidence): Markup {
  const { layer, shape, grid, zeros } = weights;
  const values = grid ? `${grid.length} values, in steps` : "f32";
  return html`<figure><figcaption>${layer} <span class="dim">[${shape.join(", ")}] · ${values}</span></figcaption>${histogram(weights)}${zeros && zeroPicture(zeros)}</figure>`;
}

function histogram({ histogram: { low, high, counts }, grid = [] }: WeightEvidence): Markup {
  const base = HEIGHT - FOOT;
  const outline = counts.map((n, i) => `V${(base - heightOf(n, counts)).toFixed(1)}H${(((i + 1) * WIDTH) / counts.length).toFixed(1)}`);
  const uses = grid.map((value) => value.count);
  const lines =
    grid.length > MOST_LINES
      ? []
      : grid.map(({ value, count: n }) => {
          const x = (((value - low) / (high - low)) * WIDTH).toFixed(1);
          return html`<path class="grid" d="M${x} ${base}v-${Math.max(2, heightOf(n, uses)).toFixed(1)}"><title>${value}: ${count(n)} weights</title></path>`;
        });
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="distribution of weights"><path class="c" d="M0 ${base}${outline.join("")}V${base}Z"/>${lines}
<text x="0" y="${HEIGHT - 3}">${digits(low, 3)}</text><text x="${WIDTH}" y="${HEIGHT - 3}" text-anchor="end">${digits(high, 3)}</text></svg>`;
}

/** By the root, which shows what is rare beside the many that are near zero. */
const heightOf = (n: number, all: readonly number[]): number => (HEIGHT - FOOT) * Math.sqrt(n / Math.max(1, ...all));

/** The first axis down, all others across: the lighter, the more zeros. */
function zeroPicture({ rows, columns, shares }: NonNullable<WeightEvidence["zeros"]>): Markup {
  const picture = { width: columns, height: rows, channels: 1, data: Uint8Array.from(shares, (share) => 255 * share) } as const;
  return html`<img class="map" alt="zeros among the weights: the lighter, the more" src="${dataUri(picture)}">`;
}
