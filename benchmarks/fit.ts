export interface Fit {
  readonly slope: number;
  readonly intercept: number;
  /** Share of the variance that the line accounts for. */
  readonly r2: number;
}

/** Ordinary least squares of y against x. */
export function linearFit(points: readonly (readonly [x: number, y: number])[]): Fit {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([x]) => x), mean(([, y]) => y)];
  const covariance = mean((point) => (point[0] - x) * (point[1] - y));
  const [varianceX, varianceY] = [mean((point) => (point[0] - x) ** 2), mean((point) => (point[1] - y) ** 2)];
  const slope = covariance / varianceX;
  return { slope, intercept: y - slope * x, r2: covariance ** 2 / (varianceX * varianceY) };
}
