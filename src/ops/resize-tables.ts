/** Where resizing reads along one axis, and with which weights: the definitions of Resize's modes and coordinate transformations. */

export interface AxisResize {
  /** Elements along the axis, before and after. */
  readonly n: number;
  readonly count: number;
  readonly scale: number;
  /** The part of the axis that tf_crop_and_resize reads, as fractions of it. */
  readonly start: number;
  readonly end: number;
}

export interface Interpolation {
  readonly mode: string;
  readonly transformation: string;
  readonly nearest: string;
  /** The coefficient of cubic interpolation. */
  readonly cubic: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

/** For output j, taps t: `index[j · taps + t]` is read with `weight[j · taps + t]`; an index of −1 stands for what lies outside. */
export interface AxisTable {
  readonly taps: number;
  readonly index: Int32Array;
  readonly weight: Float32Array;
}

type Transformation = (x: number, axis: AxisResize) => number;

const halfPixel: Transformation = (x, { scale }) => (x + 0.5) / scale - 0.5;

/** The place in the input that output x reads. */
export const TRANSFORMATIONS: Readonly<Record<string, Transformation>> = {
  half_pixel: halfPixel,
  half_pixel_symmetric: (x, axis) => {
    const { n, count, scale } = axis;
    return (n / 2) * (1 - count / (scale * n)) + halfPixel(x, axis);
  },
  pytorch_half_pixel: (x, axis) => (axis.count > 1 ? halfPixel(x, axis) : 0),
  // ONNX measures by the length before it is rounded down, n · scale.
  align_corners: (x, { n, count, scale }) => (count > 1 ? (x * (n - 1)) / (n * scale - 1) : 0),
  asymmetric: (x, { scale }) => x / scale,
  tf_half_pixel_for_nn: (x, { scale }) => (x + 0.5) / scale,
  tf_crop_and_resize: (x, { n, count, start, end }) =>
    count > 1 ? start * (n - 1) + (x * (end - start) * (n - 1)) / (count - 1) : 0.5 * (start + end) * (n - 1),
};

export const NEAREST: Readonly<Record<string, (x: number, scale: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
  /** edgepack's own: what opset 10 did. */
  simple: (x, scale) => (scale < 1 ? Math.ceil(x) : Math.floor(x)),
};

/** Half the width of a filter, and its weight at a distance. */
const FILTERS: Readonly<Record<string, { readonly reach: number; weight(distance: number, cubic: number): number }>> = {
  linear: { reach: 1, weight: (d) => Math.max(0, 1 - d) },
  cubic: {
    reach: 2,
    weight: (d, a) => {
      if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
    },
  },
};

export function axisTable(axis: AxisResize, how: Interpolation): AxisTable {
  const { n, count, scale } = axis;
  const inside = (i: number): number => Math.min(Math.max(i, 0), n - 1);
  // Digits below these are the noise of dividing by a scale that f32 rounded.
  const places = Array.from({ length: count }, (_, x) => Number(TRANSFORMATIONS[how.transformation](x, axis).toFixed(6)));
  const outside = (x: number): boolean => how.transformation === "tf_crop_and_resize" && (x < 0 || x > n - 1);
  if (how.mode === "nearest") {
    const index = Int32Array.from(places, (x) => (outside(x) ? -1 : inside(NEAREST[how.nearest](x, scale))));
    return { taps: 1, index, weight: new Float32Array(count).fill(1) };
  }
  const { reach, weight: weigh } = FILTERS[how.mode];
  const narrow = how.antialias ? Math.min(scale, 1) : 1;
  const side = Math.ceil(reach / narrow);
  const taps = 2 * side;
  const index = new Int32Array(count * taps);
  const weight = new Float32Array(count * taps);
  places.forEach((x, j) => {
    if (outside(x)) {
      index[j * taps] = -1;
      weight[j * taps] = 1;
      return;
    }
    const first = Math.floor(x) - side + 1;
    const raw = Array.from({ length: taps }, (_, t) => {
      const kept = !how.excludeOutside || (first + t >= 0 && first + t < n);
      return kept ? weigh(Math.abs(first + t - x) * narrow, how.cubic) : 0;
    });
    const total = how.excludeOutside || how.antialias ? raw.reduce((sum, w) => sum + w, 0) : 1;
    raw.forEach((w, t) => {
      index[j * taps + t] = inside(first + t);
      weight[j * taps + t] = w / total;
    });
  });
  return { taps, index, weight };
}

/** Whether a table leaves its axis as it is. */
export function isIdentity({ taps, index, weight }: AxisTable, n: number): boolean {
  if (index.length !== n * taps) return false;
  return weight.every((w, i) => w === (index[i] === Math.floor(i / taps) ? 1 : 0)) || (taps === 1 && index.every((at, i) => at === i));
}
