/**
 * Where a falling curve begins to fall faster: the point that lies farthest above the chord between the curve's ends, as in Kneedle (Satopaa et al. 2011),
 * for a curve that is given by few points and so is not smoothed. Undefined where it lies above the chord nowhere, or only by what measurements leave open.
 */
export function kneeOf(points: readonly { readonly x: number; readonly y: number }[]): number | undefined {
  const finite = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  const [first, last] = [finite[0], finite.at(-1)];
  if (finite.length < 3 || !first || !last || first.y <= last.y || first.x === last.x) return undefined;
  let [knee, most]: [number | undefined, number] = [undefined, SLACK];
  for (const { x, y } of finite) {
    const above = (y - last.y) / (first.y - last.y) - (last.x - x) / (last.x - first.x);
    if (above > most) [knee, most] = [x, above];
  }
  return knee;
}

/** Distance from the chord, as a share of the curve's height, that is none. */
const SLACK = 0.02;
