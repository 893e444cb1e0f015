import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { broadcastShapes, broadcastStrides, joinDims, normalizeAxis, type Shape, stridesOf } from "../../src/tensor/index.ts";

/** Offsets in the order in which a walk over `dims` comes by. */
function offsets(dims: Shape, strides: readonly number[]): number[] {
  if (dims.length === 0) return [0];
  const inner = offsets(dims.slice(1), strides.slice(1));
  return Array.from({ length: dims[0] }, (_, i) => inner.map((offset) => i * strides[0] + offset)).flat();
}

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 5 });

/** A shape, and operands that broadcast to it. */
const operands = shape.chain((to) =>
  fc.tuple(
    fc.constant(to),
    fc.array(
      fc.tuple(...to.map((d) => fc.constantFrom(1, d))).map((dims) => broadcastStrides(dims, to)),
      { minLength: 1, maxLength: 3 },
    ),
  ),
);

describe("joinDims", () => {
  it("visits the same elements of every operand in the same order", () => {
    fc.assert(
      fc.property(operands, ([to, strides]) => {
        const joined = joinDims(to, strides);
        expect(joined.strides.map((own) => offsets(joined.dims, own))).toEqual(strides.map((own) => offsets(to, own)));
      }),
    );
  });

  it("walks dense operands in one dimension, and scalars in none", () => {
    expect(joinDims([2, 1, 3, 4], [stridesOf([2, 1, 3, 4])])).toEqual({ dims: [24], strides: [[1]] });
    expect(joinDims([1, 1], [[1, 1]])).toEqual({ dims: [], strides: [[]] });
  });

  it("keeps dimensions apart that one of the operands does not step through evenly", () => {
    expect(joinDims([2, 3, 4], [stridesOf([2, 3, 4]), broadcastStrides([3, 1], [2, 3, 4])])).toEqual({
      dims: [2, 3, 4],
      strides: [
        [12, 4, 1],
        [0, 1, 0],
      ],
    });
  });
});

describe("broadcasting", () => {
  it("follows numpy", () => {
    expect(broadcastShapes([3, 1], [1, 4], [2, 1, 1])).toEqual([2, 3, 4]);
    expect(broadcastShapes([], [2])).toEqual([2]);
    expect(broadcastShapes([0], [1])).toEqual([0]);
    expect(broadcastShapes([2], [3])).toBeUndefined();
    expect(broadcastShapes([0], [2])).toBeUndefined();
  });
});

describe("normalizeAxis", () => {
  it("counts negative axes from the end and refuses those outside", () => {
    expect([normalizeAxis(-1, 3), normalizeAxis(2, 3), normalizeAxis(0, 0)]).toEqual([2, 2, 0]);
    for (const [axis, rank] of [
      [3, 3],
      [-4, 3],
      [1, 0],
      [0.5, 3],
    ])
      expect(() => normalizeAxis(axis, rank)).toThrow(RangeError);
  });
});
