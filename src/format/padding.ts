import type { Panels } from "./image.ts";

/** Elements of one group: what the layout repeats after. */
export const groupOf = ({ n, k, lanes, inner }: Panels): number => Math.ceil(n / lanes) * lanes * Math.ceil(k / inner) * inner;

/** Of `count` elements from number `from` on, 1 for those that are weights and 0 for those that are padding. */
export function weightsIn(layout: Panels, from: number, count: number): Uint8Array {
  const { n, k, lanes, inner } = layout;
  const rows = Math.ceil(k / inner);
  const found = new Uint8Array(count);
  let at = from % groupOf(layout);
  let panel = Math.floor(at / (rows * lanes * inner));
  at %= rows * lanes * inner;
  let row = Math.floor(at / (lanes * inner));
  at %= lanes * inner;
  let lane = Math.floor(at / inner);
  let place = at % inner;
  for (let i = 0; i < count; i++) {
    if (panel * lanes + lane < n && row * inner + place < k) found[i] = 1;
    if (++place < inner) continue;
    place = 0;
    if (++lane < lanes) continue;
    lane = 0;
    if (++row < rows) continue;
    row = 0;
    if (++panel * lanes >= n) panel = 0;
  }
  return found;
}
