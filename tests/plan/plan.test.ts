import { describe, expect, it } from "vitest";
import { IMAGE_START, Op } from "../../assembly/shared/plan.ts";
import { quantizeStatic } from "../../src/compress/quantize.ts";
import type { Graph } from "../../src/graph/graph.ts";
import type { Word } from "../../src/ops/lowering.ts";
import { optimize } from "../../src/passes/index.ts";
import { isPlace } from "../../src/plan/buffers.ts";
import { lowerGraph } from "../../src/plan/lower.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { f32, gridOfRange, type Quant, tensor } from "../../src/tensor/index.ts";
import { graphOf, random, randomInputs, untyped } from "../graph/build.ts";
import { failure } from "../onnx/model.ts";

const net: Graph = optimize(
  graphOf({
    inputs: { x: [1, 2, 4, 4] },
    constants: { w: random([3, 2, 3, 3], 1), b: f32([1, 2, 3]), d: random([12, 5], 2) },
    nodes: [
      ["Conv", "x w b", "c", { pads: [1, 1, 1, 1] }],
      ["Relu", "c", "r"],
      ["MaxPool", "r", "p", { kernel_shape: [2, 2], strides: [2, 2] }],
      ["Flatten", "p", "f"],
      ["MatMul", "f d", "y"],
    ],
    outputs: "y",
  }),
);

/** A record a line: its op and its fields in order; `#3+8` is byte 8 of buffer 3, `∞` the bits of f32 infinity, `-∞` of its opposite. */
function printed(graph: Graph): string[] {
  const word = (w: Word): string => {
    if (isPlace(w)) return `#${w.buffer}${w.offset ? `+${w.offset}` : ""}`;
    return w === 0x7f800000 ? "∞" : w === (0xff800000 | 0) ? "-∞" : String(w);
  };
  return lowerGraph(graph).records.map(({ words: [op, , ...fields] }) => [Op[op as number], ...fields.map(word)].join(" "));
}

function integers(graph: Graph): Graph {
  const grids = new Map<string, Quant>(graph.inputs.map((name) => [name, gridOfRange(-1, 1)]));
  evaluate(graph, randomInputs(graph, 1), (name) => grids.set(name, gridOfRange(-4, 4)));
  return quantizeStatic(graph, grids);
}

describe("lowerGraph", () => {
  it("writes the records of a small net", () => {
    expect(printed(net)).toMatchInlineSnapshot(`
      [
        "copy #0 #1 4 1 1 1 1 16 2 0 0 0 0 1 16 0 0 0 0 2 1",
        "f32_conv 1 4 4 2 4 4 3 3 3 1 1 1 1 1 1 1 #1 #2 #3 0 #5 0 ∞ 0 0 4 0 #4",
        "f32_pool 0 1 4 4 3 2 2 2 2 2 2 1 1 0 0 0 0 0 #5 #6 0 0 0",
        "f32_gemm 1 1 5 12 #6 12 0 #7 0 0 0 #8 5 0 -∞ ∞ 0 0 4 0 0",
      ]
    `);
  });

  it("writes the records of its int8 form", () => {
    expect(printed(integers(net))).toMatchInlineSnapshot(`
      [
        "qs8_quantize 32 #0 #1 1006665857 -1",
        "copy #1 #2 1 1 1 1 1 16 2 0 0 0 0 1 16 0 0 0 0 2 1",
        "qs8_conv 1 4 4 2 4 4 3 3 3 1 1 1 1 1 1 1 #2 #3 #4 #5 #7 -1 127 -1 -1 1 0 #6",
        "qs8_pool 0 1 4 4 3 2 2 2 2 2 2 1 1 0 0 0 0 0 #7 #8 -1 0 0",
        "qs8_gemm 1 1 5 12 #8 12 0 #9 0 0 #10 #12 5 0 -∞ ∞ -1 0 4 0 #11",
      ]
    `);
  });

  it("lists every node that has no kernel, with its operator, its name and why", () => {
    const graph = graphOf({
      inputs: { x: [1, 1, 3, 3], w: [2, 1, 3, 3] },
      nodes: [
        ["Conv", "x w", "c"],
        ["Softmax", "x", "s", { axis: 1 }],
        ["Relu", "x", "fine"],
      ],
      outputs: "c s fine",
    });
    expect(failure(() => planGraph(graph))).toMatchInlineSnapshot(`
      "ONNX_UNSUPPORTED: These operators cannot be run; change them in the model or export it another way:
        - Conv "c": only NHWC has kernels
        - Softmax "s": there is no kernel for axis 1, which is not the last"
    `);
  });
});

describe("planGraph", () => {
  it("lays the plan first, then constants, then the arena, each aligned and none over another", () => {
    const { pack } = planGraph(net);
    let end = IMAGE_START;
    for (const { at, data, expand } of pack.regions) {
      expect(at % 16).toBe(0);
      expect(at).toBeGreaterThanOrEqual(end);
      end = at + (expand ? 4 * data.length : data.byteLength);
    }
    expect(pack.meta.plan).toBe(IMAGE_START);
    expect(pack.meta.image).toBeGreaterThanOrEqual(end);
    for (const { at } of [...pack.meta.inputs, ...pack.meta.outputs]) expect(at).toBeGreaterThanOrEqual(pack.meta.image);
  });

  it("names the regions that each layer's weights lie in", () => {
    const { layers, pack } = planGraph(net);
    const weights = layers.map(({ node, regions }) => [node.op, regions.map((i) => pack.regions[i].data.length)]);
    expect(weights).toEqual([
      ["Transpose", []],
      ["Conv", [8 * 18]],
      ["MaxPool", []],
      ["Reshape", []],
      ["MatMul", [8 * 12]],
    ]);
  });

  it("puts out inputs and constants where they lie", () => {
    const graph = untyped({ inputs: { x: [3] }, constants: { c: f32([1, 2]) }, nodes: [], outputs: "x c" });
    const { pack, arena } = planGraph(graph);
    const [x, c] = pack.meta.outputs;
    expect(x.at).toBe(pack.meta.inputs[0].at);
    expect(pack.regions.find(({ at }) => at === c.at)?.data).toEqual(Float32Array.of(1, 2, 0, 0));
    expect(arena).toEqual({ bytes: 16, lowerBound: 16 });
  });

  it("has no region for a constant without elements", () => {
    const graph = untyped({ inputs: {}, constants: { c: tensor("f32", [], [0, 2]) }, nodes: [], outputs: "c" });
    expect(planGraph(graph).pack.regions).toHaveLength(1);
  });

  it("refuses what does not fit the memory of wasm", () => {
    const graph = graphOf({ inputs: { x: [20000, 20000] }, nodes: [["Relu", "x", "y"]], outputs: "y" });
    expect(failure(() => planGraph(graph))).toMatch(/^LIMIT: The model needs 3200004\d+ bytes of memory, 3200000000 of them/);
  });

  it("keeps preprocessing at image inputs that it fits", () => {
    const graph = untyped({ inputs: { photo: [1, 3, 8, 8], mask: [1, 1, 8, 8], vector: [3] }, nodes: [], outputs: "photo" });
    const preprocess = { mean: [0, 0, 0], std: [1, 1, 1], layout: "nchw" } as const;
    const { inputs } = planGraph(graph, { preprocess }).pack.meta;
    expect(inputs.map((input) => input.preprocess)).toEqual([preprocess, undefined, undefined]);
  });
});
