import { describe, expect, it } from "vitest";
import { type Candidate, dropOf, exceeded, paretoFront } from "../../src/compress/budget.ts";
import { compressGraph } from "../../src/compress/compress.ts";
import { migrate, rangesOf, sitesOf } from "../../src/compress/migrate.ts";
import { checkRecipe, type StepSpec } from "../../src/compress/recipe.ts";
import { macsOf } from "../../src/compress/report.ts";
import type { Score } from "../../src/compress/score.ts";
import { type Dataset, syntheticDataset } from "../../src/data/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { verifyGraph } from "../../src/semantics/verify.ts";
import { f32 } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";

const dataFor = (graph: Graph, count = 32): Dataset => syntheticDataset(planGraph(graph).pack.meta.inputs, count, 1);
const run = (graph: Graph, steps: readonly StepSpec[], calibration: Dataset | undefined = dataFor(graph)) =>
  compressGraph(graph, checkRecipe(steps), { calibration, calibrationCount: 16 });

/** A convolution, a depthwise one, pooling, and a dense layer, with channels of very different ranges. */
function uneven(): Graph {
  const scaled = (shape: readonly number[], seed: number, by: (output: number) => number) => {
    const inner = shape.slice(1).reduce((n, d) => n * d, 1);
    return f32(
      random(shape, seed).data.map((w, i) => w * by(Math.floor(i / inner))),
      shape,
    );
  };
  return graphOf({
    inputs: { x: [1, 8, 8, 3] },
    constants: {
      w: scaled([6, 3, 3, 3], 1, (o) => 10 ** (o - 3)),
      b: random([6], 2),
      d: scaled([6, 1, 3, 3], 3, (o) => 10 ** (2 - o)),
      e: random([6], 4),
      v: random([6, 5], 5),
    },
    nodes: [
      ["Conv", "x w b", "a", { pads: [1, 1, 1, 1], min: 0, layout: "NHWC" }],
      ["Conv", "a d e", "c", { pads: [1, 1, 1, 1], group: 6, min: 0, layout: "NHWC" }],
      ["GlobalAveragePool", "c", "p", { layout: "NHWC" }],
      ["MatMul", "p v", "y"],
    ],
    outputs: "y",
  });
}

const outputOf = (graph: Graph, seed: number) => evaluate(graph, { x: random([1, 8, 8, 3], seed) }).y.data as Float32Array;

describe("moving scale between layers", () => {
  it("finds what makes and what reads each value, by way of operators that scale with their input", () => {
    expect(sitesOf(uneven()).map(({ value, channels, readers }) => [value, channels, readers.map(({ outputs }) => outputs[0])])).toEqual([
      ["a", 6, ["c"]],
      ["c", 6, ["y"]],
    ]);
  });

  it("leaves alone what is cut off above, put out, or read by anything but layers", () => {
    const graph = uneven();
    const [conv, ...rest] = graph.nodes;
    const clipped = { ...graph, nodes: [{ ...conv, attrs: { ...conv.attrs, max: 6 } }, ...rest] };
    expect(sitesOf(clipped).map(({ value }) => value)).toEqual(["c"]);
    expect(sitesOf({ ...graph, outputs: ["y", "a"] }).map(({ value }) => value)).toEqual(["c"]);
  });

  it("does not change what the model computes", () => {
    const graph = uneven();
    const moved = sitesOf(graph).reduce((g, site) => migrate(g, site, [2, 0.5, 4, 8, 1, 0.25]), graph);
    verifyGraph(moved);
    // Powers of two move without rounding.
    for (const seed of [1, 2, 3]) expect(outputOf(moved, seed)).toEqual(outputOf(graph, seed));
    expect(moved.constants.get("w")).not.toEqual(graph.constants.get("w"));
  });

  it.each(["weights", "activations"] as const)("by %s makes channels alike, and the answers the same but for rounding", async (by) => {
    const graph = uneven();
    const { graph: equal } = await run(graph, [{ step: "equalize", by }]);
    const spread = (g: Graph): number => {
      const { made, read } = rangesOf(g, sitesOf(g)[0]);
      const ratios = made.map((m, c) => m / read[c]);
      return Math.max(...ratios) / Math.min(...ratios);
    };
    expect(spread(equal)).toBeLessThan(spread(graph) / 100);
    const [want, got] = [outputOf(graph, 4), outputOf(equal, 4)];
    const difference = Math.max(...want.map((v, i) => Math.abs(v - got[i])));
    expect(difference).toBeLessThan(1e-4 * Math.max(...want.map(Math.abs)));
  });
});

describe("bias correction", () => {
  it("takes out what the grid of weights adds to the mean of a layer's outputs", async () => {
    const graph = uneven();
    const mean = async (steps: readonly StepSpec[]): Promise<number> => {
      const calibration: Dataset = {
        ...dataFor(graph),
        item: async (i) => ({ x: Float32Array.from(random([1, 8, 8, 3], i).data, (v) => 1 + 0.1 * v) }),
      };
      const { graph: integer } = await run(graph, steps, calibration);
      let sum = 0;
      for (let i = 0; i < 16; i++) {
        const x = f32((await calibration.item(i)).x, [1, 8, 8, 3]);
        const [want, got] = [evaluate(graph, { x }).y.data, evaluate(integer, { x }).y.data];
        for (let k = 0; k < want.length; k++) sum += want[k] - got[k];
      }
      return Math.abs(sum);
    };
    const coarse: StepSpec = { step: "quantize", weights: { bits: 3, rounding: "nearest" }, keepSensitive: false };
    const without = await mean([coarse]);
    expect(await mean([coarse, { step: "correct-bias" }])).toBeLessThan(without / 4);
  });
});

describe("the step prune", () => {
  const dense = () =>
    graphOf({
      inputs: { x: [4, 64] },
      constants: { w: random([64, 48], 1), v: random([48, 32], 2) },
      nodes: [
        ["MatMul", "x w", "a", { min: 0 }],
        ["MatMul", "a v", "y"],
      ],
      outputs: "y",
    });
  const zeros = (graph: Graph, name: string): number => Array.from(graph.constants.get(name)!.data).filter((w) => w === 0).length;

  it("removes the share it is told, and rounding keeps it removed", async () => {
    const { graph, mask } = await run(dense(), [{ step: "prune", remove: { share: 0.6 } }, { step: "quantize" }]);
    const removed = [...mask.values()].reduce((sum, { data }) => sum + Array.from(data).filter((bit) => bit === 1).length, 0);
    expect(Math.abs(removed - 0.6 * (64 * 48 + 48 * 32))).toBeLessThan(2);
    const integers = [graph.constants.get("w.q1")!, graph.constants.get("v.q1")!];
    for (const [i, name] of ["w", "v"].entries())
      mask.get(name)!.data.forEach((bit, at) => {
        if (bit) expect(integers[i].data[at]).toBe(0);
      });
  });

  it("keeps n of m, and whole blocks", async () => {
    const { graph } = await run(dense(), [{ step: "prune", pattern: { n: 2, m: 4 } }]);
    expect(zeros(graph, "w")).toBe((64 * 48) / 2);
    const { graph: blocks } = await run(dense(), [{ step: "prune", pattern: "blocks", remove: { share: 0.5 } }]);
    const w = blocks.constants.get("w")!.data;
    for (let panel = 0; panel < 3; panel++)
      for (let pair = 0; pair < 32; pair++) {
        const block = Array.from({ length: 32 }, (_, i) => w[(2 * pair + (i & 1)) * 48 + 16 * panel + (i >> 1)] === 0);
        expect(new Set(block).size).toBe(1);
      }
  });

  it("leaves a smaller dense model where channels go", async () => {
    const before = dense();
    const { graph, notes } = await run(before, [{ step: "prune", pattern: "channels", remove: { macs: 0.5 } }, { step: "quantize" }]);
    const macs = (g: Graph): number => g.nodes.reduce((sum, node) => sum + macsOf(node, g), 0);
    expect(macs(graph)).toBeLessThanOrEqual(macs(before) / 2);
    expect(macs(graph)).toBeGreaterThan(macs(before) / 3);
    expect(graph.types.get("y")!.shape).toEqual([4, 32]);
    expect(notes[0]).toMatchObject({ step: "prune", macs: { before: macs(before), after: macs(graph) } });
  });
});

describe("budgets", () => {
  const score = (part: Partial<Score>): Score => ({ samples: 1000, same: 1000, sqnr: 40, ...part });
  const candidate = (bytes: number, part: Partial<Score> = {}): Candidate => ({ bytes, score: score(part) });

  it("count points of accuracy where there are labels, else of agreement", () => {
    expect(dropOf(score({ same: 990 }), score({}))).toBe(1);
    expect(dropOf(score({ same: 990, correct: 903 }), score({ correct: 905 }))).toBeCloseTo(0.2);
  });

  it("say all that a model exceeds, and ask a measured drop to stay clear of the bound", () => {
    const budget = { maxDrop: 0.5, maxSize: 100, minSqnr: 30, margin: 1 };
    expect(exceeded(candidate(100, { same: 999 }), score({}), budget)).toEqual([]);
    // 0.4 points on 4 changed answers of 1000 are 0.4 ± 0.2.
    expect(exceeded(candidate(101, { same: 996, sqnr: 20 }), score({}), budget)).toEqual([
      "a drop of 0.40 ± 0.20 points, 0.5 allowed",
      "20.0 dB, 30 wanted",
      "101 bytes, 100 allowed",
    ]);
    expect(exceeded(candidate(100, { same: 996 }), score({}), { ...budget, margin: 0 })).toEqual([]);
  });

  it("leave to the front what no other beats in both", () => {
    const all = [candidate(10, { sqnr: 5 }), candidate(30, { sqnr: 20 }), candidate(20, { sqnr: 20 }), candidate(40, { sqnr: 15 })];
    expect(paretoFront(all).map(({ bytes }) => bytes)).toEqual([10, 20]);
  });
});
