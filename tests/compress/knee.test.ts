import { describe, expect, it } from "vitest";
import { kneeOf } from "../../src/compress/knee.ts";

const curve = (...ys: number[]) => ys.map((y, x) => ({ x, y }));

describe("the knee of a falling curve", () => {
  it("is where it begins to fall faster", () => {
    expect(kneeOf(curve(30, 29, 28, 20, 12))).toBe(2);
  });
  it("is found also where levels fall, as bits do, at any spacing", () => {
    const points = [8, 6, 5, 4, 2].map((x, i) => ({ x, y: [50, 47, 45, 30, 5][i] }));
    expect(kneeOf(points)).toBe(5);
  });
  it("does not depend on units", () => {
    const points = curve(30, 29, 28, 20, 12).map(({ x, y }) => ({ x: 100 * x + 7, y: y / 1000 - 3 }));
    expect(kneeOf(points)).toBe(207);
  });
  it("is none of a line, of a curve that falls ever slower, of one that rises, or of two points", () => {
    expect([curve(4, 3, 2, 1), curve(9, 4, 2, 1), curve(1, 2, 3), curve(3, 1), []].map(kneeOf)).toEqual(new Array(5).fill(undefined));
  });
  it("leaves out points that are no numbers, as of a model that is exact", () => {
    expect(kneeOf(curve(Number.POSITIVE_INFINITY, 30, 29, 28, 10))).toBe(3);
  });
});
