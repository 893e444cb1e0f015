import { describe, expect, it } from "vitest";
import { quantizeDynamic } from "../../src/compress/quantize.ts";
import { weightEvidence } from "../../src/report/weights.ts";
import { f32 } from "../../src/tensor/index.ts";
import { graphOf } from "../graph/build.ts";

const W = [1, -0.5, 0, 0, 0.25, 4, 0, -2];

/** x[1,2] · w[2,4]; each column has a scale of its own. */
const net = (w: readonly number[]) =>
  graphOf({
    inputs: { x: [1, 2] },
    constants: { w: f32(w, [2, 4]) },
    nodes: [["MatMul", "x w", "y"]],
    outputs: "y",
  });

describe("what is shown of a layer's weights", () => {
  it("on a grid: the weights as they were, in steps, and how many have each of its integers", () => {
    const real = net(W);
    const [{ layer, shape, histogram, grid }] = weightEvidence(quantizeDynamic(real), real);
    expect([layer, shape]).toEqual([real.nodes[0].name, [2, 4]]);
    expect(histogram.counts.reduce((a, b) => a + b)).toBe(8);
    expect([Math.round(histogram.low), Math.round(histogram.high)]).toEqual([-127, 127]);
    expect(grid!.reduce((sum, { value, count }) => sum + value * count, 0)).toBe(127 + 32 - 16 + 127 - 127);
    expect(grid!.find(({ value }) => value === 0)!.count).toBe(3);
  });

  it("in f32: the weights themselves, and no grid", () => {
    const [{ histogram, grid }] = weightEvidence(net(W), undefined);
    expect([histogram.low, histogram.high, grid]).toEqual([-2, 4, undefined]);
    expect([histogram.counts[0], histogram.counts.at(-1)]).toEqual([1, 1]);
  });

  it("that are zero in many places: where", () => {
    const [{ zeros }] = weightEvidence(net(W), undefined);
    expect(zeros).toEqual({ rows: 2, columns: 4, shares: [0, 0, 1, 1, 0, 0, 1, 0] });
  });

  it("that are zero in few: no map", () => {
    expect(weightEvidence(net(W.map((w) => w || 1)), undefined)[0].zeros).toBeUndefined();
  });

  it("that are not finite: still a histogram of those that are", () => {
    const [{ histogram }] = weightEvidence(net([...W.slice(0, 6), Number.NaN, Number.POSITIVE_INFINITY]), undefined);
    expect([histogram.low, histogram.high]).toEqual([-0.5, 4]);
    expect(histogram.counts.every(Number.isInteger)).toBe(true);
  });
});
