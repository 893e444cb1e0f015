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
  const most = Math.max(1, ...counts);
  const width = WIDTH / counts.length;
  // The root shows what is rare beside the many that are near zero.
  const heightOf = (n: number, top: number): number => Number(((HEIGHT - FOOT) * Math.sqrt(n / top)).toFixed(1));
  const bars = counts.map((n, i) => {
    const height = heightOf(n, most);
    return html`<rect class="c" x="${(i * width).toFixed(2)}" y="${HEIGHT - FOOT - height}" width="${width.toFixed(2)}" height="${height}"/>`;
  });
  const most2 = Math.max(1, ...grid.map((value) => value.count));
  const lines =
    grid.length > MOST_LINES
      ? []
      : grid.map(({ value, count: n }) => {
          const x = (((value - low) / (high - low)) * WIDTH).toFixed(1);
          return html`<path class="grid" d="M${x} ${HEIGHT - FOOT}v${-Math.max(2, heightOf(n, most2))}"><title>${value}: ${count(n)} weights</title></path>`;
        });
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="distribution of weights">${bars}${lines}
<text x="0" y="${HEIGHT - 3}">${digits(low, 3)}</text><text x="${WIDTH}" y="${HEIGHT - 3}" text-anchor="end">${digits(high, 3)}</text></svg>`;
}

/** The matrix of outputs (down) and what they read (across): the lighter, the more zeros. */
function zeroPicture({ rows, columns, shares }: NonNullable<WeightEvidence["zeros"]>): Markup {
  const picture = { width: columns, height: rows, channels: 1, data: Uint8Array.from(shares, (share) => 255 * share) } as const;
  return html`<img class="map" alt="zeros among the weights: the lighter, the more" src="${dataUri(picture)}">`;
}
