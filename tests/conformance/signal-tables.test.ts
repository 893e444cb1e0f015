import { describe, expect, it } from "vitest";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { tensor } from "../../src/tensor/index.ts";
import { graphOf } from "../graph/build.ts";

/** Constant inputs as a node reads them, and what it makes of them. */
function made(op: string, inputs: readonly number[], attrs: Record<string, number> = {}) {
  const constants = Object.fromEntries(inputs.map((v, i) => [`c${i}`, tensor(i < 3 ? "i64" : "f32", [v], [])]));
  const graph = graphOf({ inputs: {}, constants, nodes: [[op, Object.keys(constants).join(" "), "y", attrs]], outputs: "y" });
  return evaluate(graph, {}).y;
}

describe("windows", () => {
  it.each([
    ["HannWindow", 4, 1, [0, 0.5, 1, 0.5]],
    ["HannWindow", 3, 0, [0, 1, 0]],
    ["HammingWindow", 3, 0, [4 / 46, 1, 4 / 46]],
    ["BlackmanWindow", 4, 1, [0, 0.34, 1, 0.34]],
    ["HannWindow", 0, 1, []],
  ] as const)("%s of %i elements, periodic %i", (op, size, periodic, expected) => {
    const { data, shape } = made(op, [size], { periodic });
    expect(shape).toEqual([size]);
    expected.forEach((want, i) => {
      expect(data[i]).toBeCloseTo(want, 6);
    });
  });

  it("refuses a size that is none, and types that it cannot make", () => {
    expect(() => made("HannWindow", [-1])).toThrow("a window of -1 elements cannot be made");
    expect(() => made("HannWindow", [4], { output_datatype: 14 })).toThrow("element type complex64 is not supported");
  });
});

describe("MelWeightMatrix", () => {
  it("has triangles that start where the one before them has its peak", () => {
    const { data, shape } = made("MelWeightMatrix", [4, 64, 8000, 100, 4000]);
    expect(shape).toEqual([33, 4]);
    const column = (i: number) => Array.from({ length: 33 }, (_, row) => data[row * 4 + i]);
    const peaks = Array.from({ length: 4 }, (_, i) => column(i).indexOf(1));
    expect(peaks.every((peak, i) => peak >= 0 && (i === 0 || peak > peaks[i - 1]))).toBe(true);
    for (let i = 1; i < 4; i++) expect(column(i).findIndex((v) => v > 0)).toBe(peaks[i - 1] + 1);
  });

  it("refuses frequencies that do not rise", () => {
    expect(() => made("MelWeightMatrix", [4, 64, 8000, 4000, 100])).toThrow("4 bins from 4000 to 100 Hz at 8000 Hz cannot be made");
  });
});
