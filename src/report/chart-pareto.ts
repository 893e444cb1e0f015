import { html, type Markup } from "./markup.ts";
import { bytes, decibels, digits } from "./numbers.ts";

/** A model that a search tried. */
export interface Point {
  readonly bytes: number;
  readonly sqnr: number;
  /** Points of accuracy, or of agreement, that it loses. */
  readonly drop: number;
  readonly ms?: number;
}

const [WIDTH, HEIGHT] = [600, 260];
const EDGE = { left: 40, right: 16, top: 12, bottom: 34 };

/** Sizes against signal to noise; where all that is lost is nothing, the ratio is shown as the best that is finite. */
export function paretoChart(front: readonly Point[], chosen: Point): Markup {
  const best = front.reduce((most, { sqnr }) => (Number.isFinite(sqnr) ? Math.max(most, sqnr) : most), 0);
  const sqnrOf = ({ sqnr }: Point): number => (Number.isFinite(sqnr) ? sqnr : sqnr > 0 ? best : 0);
  const x = axisOf(
    front.map((point) => Math.log(point.bytes)),
    EDGE.left,
    WIDTH - EDGE.right,
  );
  const y = axisOf(front.map(sqnrOf), HEIGHT - EDGE.bottom, EDGE.top);
  const at = (point: Point): [number, number] => [x(Math.log(point.bytes)), y(sqnrOf(point))];
  const isChosen = (point: Point): boolean => point.bytes === chosen.bytes && point.sqnr === chosen.sqnr;
  const dots = [...front.filter((point) => !isChosen(point)), chosen].map((point) => {
    const [cx, cy] = at(point);
    const time = point.ms === undefined ? "" : `, ${digits(point.ms, 3)} ms`;
    const text = `${bytes(point.bytes)}, ${decibels(point.sqnr)} dB, drop ${point.drop.toFixed(2)} points${time}`;
    return html`<circle class="${isChosen(point) ? "chosen" : "a"}" cx="${cx}" cy="${cy}" r="${isChosen(point) ? 7 : 4}"><title>${text}</title></circle>`;
  });
  const [first, last] = [front[0], front.at(-1)!];
  const [base, left] = [HEIGHT - EDGE.bottom, EDGE.left];
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="size against signal to noise">
<path class="axis" d="M${left} ${EDGE.top}V${base}H${WIDTH - EDGE.right}" fill="none"/>
<polyline class="path" points="${front.map((point) => at(point).join(",")).join(" ")}"/>${dots}
<text x="${left}" y="${HEIGHT - 16}">${bytes(first.bytes)}</text><text x="${WIDTH - EDGE.right}" y="${HEIGHT - 16}" text-anchor="end">${bytes(last.bytes)}</text>
<text x="${(left + WIDTH) / 2}" y="${HEIGHT - 4}" text-anchor="middle">bytes of the pack, on a log scale</text>
<text x="${left - 4}" y="${y(sqnrOf(first)) + 4}" text-anchor="end">${sqnrOf(first).toFixed(0)}</text>
<text x="${left - 4}" y="${y(sqnrOf(last)) + 4}" text-anchor="end">${sqnrOf(last).toFixed(0)}</text><text x="${left + 6}" y="${EDGE.top + 8}">SQNR, dB</text></svg>`;
}

/** From the range of the values to a range of the picture, with some room at both ends. */
function axisOf(values: readonly number[], from: number, to: number): (value: number) => number {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const room = (max - min || 1) * 0.06;
  return (value) => Number((from + ((value - min + room) / (max - min + 2 * room)) * (to - from)).toFixed(1));
}
