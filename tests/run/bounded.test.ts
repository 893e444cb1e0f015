import { describe, expect, it } from "vitest";
import { writeEpk } from "../../src/format/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { optimize } from "../../src/passes/index.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { load, type Model } from "../../src/run/index.ts";
import { f32, i64, tensor } from "../../src/tensor/index.ts";
import { clipPack } from "../format/sample.ts";
import { moduleOf } from "../format/wasm.ts";
import { graphOf } from "../graph/build.ts";

const modelOf = (graph: Graph): Promise<Model> => load(writeEpk(planGraph(optimize(graph)).pack), { wasm: moduleOf("scalar") });

/** The rows of x, of 3, that hold anything but 0 somewhere: their places, and the elements that are not 0. */
const picked = (): Graph =>
  graphOf({
    inputs: { x: [2, 3] },
    nodes: [
      ["NonZero", "x", "places"],
      ["Transpose", "places", "points"],
      ["GatherND", "x points", "elements"],
      ["Neg", "elements", "negated"],
    ],
    outputs: "places points negated",
  });

describe("outputs whose size data decide", () => {
  it("are described by the most there can be, and along which axis", async () => {
    expect((await modelOf(picked())).outputs).toEqual([
      { name: "places", dtype: "i32", shape: [2, 6], bound: 1 },
      { name: "points", dtype: "i32", shape: [6, 2], bound: 0 },
      { name: "negated", dtype: "f32", shape: [6], bound: 0 },
    ]);
  });

  it("have what there is, run by run", async () => {
    const model = await modelOf(picked());
    expect(model.run({ x: Float32Array.of(0, 5, 0, 7, 0, 8) })).toEqual({
      places: Int32Array.of(0, 1, 1, 1, 0, 2),
      points: Int32Array.of(0, 1, 1, 0, 1, 2),
      negated: Float32Array.of(-5, -7, -8),
    });
    expect(model.run({ x: new Float32Array(6) }).places).toEqual(new Int32Array());
    expect(model.run({ x: Float32Array.of(1, 2, 3, 4, 5, 6) }).negated).toEqual(Float32Array.of(-1, -2, -3, -4, -5, -6));
  });

  it("fill the first part of an array that is given", async () => {
    const negated = new Float32Array(6).fill(9);
    const result = (await modelOf(picked())).run({ x: Float32Array.of(0, 5, 0, 7, 0, 0) }, { negated });
    expect(result.negated).toEqual(Float32Array.of(-5, -7));
    expect(result.negated.buffer).toBe(negated.buffer);
    expect(negated).toEqual(Float32Array.of(-5, -7, 9, 9, 9, 9));
  });

  it("carry their true size through the usual way from boxes to results", async () => {
    const boxes = f32([0, 0, 1, 1, 0, 0, 1, 0.9, 2, 2, 3, 3], [1, 3, 4]);
    const model = await modelOf(
      graphOf({
        inputs: { scores: [1, 1, 3] },
        constants: { boxes, most: i64([3]), iou: f32([0.5]), score: f32([0.1]), box: tensor("i64", [2], []), flat: i64([3, 4]) },
        nodes: [
          ["NonMaxSuppression", "boxes scores most iou score", "selected"],
          ["Gather", "selected box", "which", { axis: 1 }],
          ["Reshape", "boxes flat", "rows"],
          ["Gather", "rows which", "kept"],
        ],
        outputs: "kept",
      }),
    );
    expect(model.run({ scores: Float32Array.of(0.5, 0.9, 0.7) }).kept).toEqual(Float32Array.of(0, 0, 1, 0.9, 2, 2, 3, 3).map(Math.fround));
    expect(model.run({ scores: Float32Array.of(0, 0, 0.2) }).kept).toEqual(Float32Array.of(2, 2, 3, 3));
  });

  it("go through casts, comparisons and selections, element by element", async () => {
    const model = await modelOf(
      graphOf({
        inputs: { x: [2, 3], keep: { dtype: "bool", shape: [2] } },
        constants: { zero: f32([0]) },
        nodes: [
          ["Compress", "x keep", "rows", { axis: 0 }],
          ["Softmax", "rows", "shares"],
          ["Less", "rows zero", "below"],
          ["Where", "below zero shares", "chosen"],
          ["Cast", "below", "counted", { to: 6 }],
        ],
        outputs: "chosen counted",
      }),
    );
    const { chosen, counted } = model.run({ x: Float32Array.of(9, 9, 9, 0, -1, 0), keep: Uint8Array.of(0, 1) });
    expect(counted).toEqual(Int32Array.of(0, 1, 0));
    expect(Array.from(chosen, (v) => v.toFixed(4))).toEqual(["0.4223", "0.0000", "0.4223"]);
  });

  it("are exact where the data are constant", () => {
    const graph = optimize(
      graphOf({
        inputs: { x: [3] },
        constants: { mask: tensor("bool", [1, 0, 1]) },
        nodes: [
          ["NonZero", "mask", "places"],
          ["Squeeze", "places", "list"],
          ["Gather", "x list", "y"],
        ],
        outputs: "y",
      }),
    );
    expect(graph.types.get("y")).toEqual({ dtype: "f32", shape: [2] });
  });

  it.each([
    ["Shape", {}],
    ["ReduceSum", {}],
    ["Softmax", { axis: 0 }],
    ["ArgMax", {}],
  ])("are refused by %s, which would need to know the size", (op, attrs) => {
    const graph = () =>
      graphOf({
        inputs: { x: [4], keep: { dtype: "bool", shape: [4] } },
        nodes: [
          ["Compress", "x keep", "some"],
          [op, "some", "y", attrs],
        ],
        outputs: "y",
      });
    expect(graph).toThrow(`${op} y: input 0 is f32[≤4], of which data decide how much is there`);
  });

  it("are refused where two of different sizes meet", async () => {
    const graph = graphOf({
      inputs: { x: [4], a: { dtype: "bool", shape: [4] }, b: { dtype: "bool", shape: [4] } },
      nodes: [
        ["Compress", "x a", "some"],
        ["Compress", "x b", "others"],
        ["Add", "some others", "y"],
      ],
      outputs: "y",
    });
    expect(() => planGraph(optimize(graph))).toThrow("its inputs have lengths that depend on different data");
  });

  it("are not taken as indices once arithmetic has been at them, since what is not there would point anywhere", () => {
    const graph = () =>
      graphOf({
        inputs: { x: [4], keep: { dtype: "bool", shape: [4] } },
        constants: { one: i64([1]) },
        nodes: [
          ["NonZero", "keep", "places"],
          ["Add", "places one", "next"],
          ["Gather", "x next", "y"],
        ],
        outputs: "y",
      });
    expect(graph).toThrow("Gather y: input 1 is i64[1,≤4]");
  });
});

describe("indices outside what they point into", () => {
  it("stop the run, and leave the model as it was", async () => {
    const model = await modelOf(
      graphOf({
        inputs: { x: [3], at: { dtype: "i64", shape: [2] }, to: [2] },
        nodes: [["ScatterElements", "x at to", "y"]],
        outputs: "y",
      }),
    );
    const x = Float32Array.of(1, 2, 3);
    const to = Float32Array.of(8, 9);
    for (const wrong of [3, -4, 2 ** 31 - 1, -(2 ** 31)])
      expect(() => model.run({ x, to, at: Int32Array.of(0, wrong) })).toThrow(/stopped: .*unreachable/);
    expect(model.run({ x, to, at: Int32Array.of(0, -1) }).y).toEqual(Float32Array.of(8, 2, 9));
  });
});

describe("a damaged bound", () => {
  const { meta, regions } = clipPack();
  const { image, memory } = meta;

  it.each([
    ["an axis that is not there", { bound: 1, length: image }],
    ["no axis", { length: image }],
    ["no length", { bound: 0 }],
    ["a length that is not aligned", { bound: 0, length: image + 2 }],
    ["a length behind the memory", { bound: 0, length: memory }],
  ])("%s is refused", (_, wrong) => {
    const outputs = meta.outputs.map((port) => ({ ...port, ...wrong }));
    expect(() => writeEpk({ meta: { ...meta, outputs }, regions })).toThrow("its metadata has a wrong outputs");
  });

  it("tells no more than there is room for", async () => {
    const outputs = meta.outputs.map((port) => ({ ...port, bound: 0, length: meta.inputs[0].at }));
    const model = await load(writeEpk({ meta: { ...meta, outputs }, regions }), { wasm: moduleOf("scalar") });
    const x = new Float32Array(new Int32Array(8).fill(2 ** 30).buffer);
    expect(model.run({ x }).y).toHaveLength(8);
  });
});
