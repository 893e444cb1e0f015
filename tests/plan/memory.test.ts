import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ALIGNMENT, align, type Lifetime, planMemory } from "../../src/plan/memory.ts";

const lifetime: fc.Arbitrary<Lifetime> = fc
  .tuple(fc.integer({ min: 1, max: 500 }), fc.nat(30), fc.nat(12))
  .map(([bytes, first, length]) => ({ bytes, first, last: first + length }));

const lifetimes = fc.array(lifetime, { maxLength: 40 });

const alive = ({ first, last }: Lifetime, at: number): boolean => first <= at && at <= last;

/** A chain of layers: buffer i is written by record i and read by record i + 1. */
const chain = (...bytes: number[]): Lifetime[] => bytes.map((n, i) => ({ bytes: n, first: i, last: i + 1 }));

describe("planMemory", () => {
  it("lets no two buffers overlap that are alive at the same record", () => {
    fc.assert(
      fc.property(lifetimes, (lives) => {
        const { offsets, bytes } = planMemory(lives);
        for (const [i, a] of lives.entries()) {
          expect(offsets[i] % ALIGNMENT).toBe(0);
          expect(offsets[i] + a.bytes).toBeLessThanOrEqual(bytes);
          for (const [j, b] of lives.slice(0, i).entries()) {
            const together = a.first <= b.last && b.first <= a.last;
            const apart = offsets[i] >= offsets[j] + b.bytes || offsets[j] >= offsets[i] + a.bytes;
            expect(apart || !together).toBe(true);
          }
        }
      }),
    );
  });

  it("says as lower bound the largest sum of buffers alive at one record, and never lies below it", () => {
    fc.assert(
      fc.property(lifetimes, (lives) => {
        const sums = Array.from({ length: 43 }, (_, at) => lives.reduce((n, l) => n + (alive(l, at) ? align(l.bytes) : 0), 0));
        const { bytes, lowerBound } = planMemory(lives);
        expect(lowerBound).toBe(Math.max(...sums));
        expect(bytes).toBeGreaterThanOrEqual(lowerBound);
      }),
    );
  });

  it("reuses memory as soon as its reader is done: a chain takes its two largest neighbours", () => {
    expect(planMemory(chain(64, 256, 128, 320, 16))).toMatchObject({ bytes: 448, lowerBound: 448 });
  });

  it("takes no memory for nothing", () => {
    expect(planMemory([])).toEqual({ offsets: [], bytes: 0, lowerBound: 0 });
  });

  it("finds the bound where placing the largest buffer first does not", () => {
    const lives = [
      { bytes: 48, first: 0, last: 2 },
      { bytes: 32, first: 2, last: 4 },
      { bytes: 32, first: 1, last: 3 },
      { bytes: 64, first: 4, last: 5 },
    ];
    const { bytes, lowerBound } = planMemory(lives);
    expect(bytes).toBe(lowerBound);
  });
});
