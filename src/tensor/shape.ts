/** Row-major shapes. All functions are pure. */
export type Shape = readonly number[];

export function elementCount(shape: Shape): number {
  return shape.reduce((n, d) => n * d, 1);
}

/** Strides in elements of a dense row-major tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  for (let i = shape.length - 1, step = 1; i >= 0; step *= shape[i--]) strides[i] = step;
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** Numpy broadcasting of any number of shapes; undefined where they do not broadcast. */
export function broadcastShapes(...shapes: Shape[]): Shape | undefined {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const at = rank - shape.length + i;
      if (shape[i] === 1 || shape[i] === out[at]) continue;
      if (out[at] !== 1) return undefined;
      out[at] = shape[i];
    }
  }
  return out;
}

/** Strides with which a tensor of `shape` is read when broadcast to `to`: 0 along stretched dimensions. */
export function broadcastStrides(shape: Shape, to: Shape): number[] {
  const own = stridesOf(shape);
  const lead = to.length - shape.length;
  return to.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : own[i - lead]));
}

/** A shape seen as [outer, n, inner] around an axis. */
export function aroundAxis(shape: Shape, axis: number): { outer: number; n: number; inner: number } {
  return { outer: elementCount(shape.slice(0, axis)), n: shape[axis], inner: elementCount(shape.slice(axis + 1)) };
}

/** A shape with the dimension at `axis`, where one is given, such that it has so many elements. */
export function shapeOfCount(shape: Shape, axis: number | undefined, count: number): Shape {
  return axis === undefined ? shape : shape.with(axis, count / elementCount(shape.with(axis, 1)));
}

/** An index into a dimension of n, 0..n−1 from −n..n−1; throws RangeError outside. */
export function wrapIndex(index: number, n: number): number {
  if (!Number.isInteger(index) || index < -n || index >= n) throw new RangeError(`index ${index} is outside a dimension of ${n}`);
  return index < 0 ? index + n : index;
}

/** `axis` in 0..rank−1 from −rank..rank−1; throws RangeError outside. */
export function normalizeAxis(axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= Math.max(rank, 1))
    throw new RangeError(`axis ${axis} is outside a rank of ${rank}`);
  return axis < 0 ? axis + rank : axis;
}

/**
 * The fewest dimensions over which operands of these strides can be walked together: dimensions of 1 are dropped, and neighbours joined
 * that lie one after the other in every operand.
 */
export function joinDims(dims: Shape, strides: readonly (readonly number[])[]): { dims: number[]; strides: number[][] } {
  const joined: number[] = [];
  const steps: number[][] = strides.map(() => []);
  dims.forEach((d, i) => {
    if (d === 1) return;
    const last = joined.length - 1;
    const follows = last >= 0 && steps.every((own, k) => own[last] === strides[k][i] * d);
    const at = follows ? last : joined.length;
    joined[at] = (joined[at] ?? 1) * d;
    for (const [k, own] of steps.entries()) own[at] = strides[k][i];
  });
  return { dims: joined, strides: steps };
}
