import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inputMoments } from "../../src/compress/moments.ts";
import {
  type Amount,
  applyMask,
  checkMask,
  combineMasks,
  encodeMask,
  inspectMask,
  invertMask,
  loadMask,
  type Mask,
  magnitude,
  maskOfZeros,
  prunedWeights,
  pruneGradually,
  reconstruct,
  type Saliency,
  type SelectOptions,
  saveMask,
  select,
  surgeon,
  taylor,
  wanda,
} from "../../src/compress/prune/index.ts";
import type { Dataset } from "../../src/data/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { BLOCK } from "../../src/plan/blocks.ts";
import { evaluate } from "../../src/semantics/evaluate.ts";
import { f32, type Tensor, tensor } from "../../src/tensor/index.ts";
import { graphOf, random } from "../graph/build.ts";

const bits = (data: readonly number[], shape?: readonly number[]): Tensor => tensor("bool", data, shape);

const dense = graphOf({
  inputs: { x: [3, 24] },
  constants: {
    w: random([24, 20], 1),
    v: f32(
      random([20, 5], 2).data.map((x) => 10 * x),
      [20, 5],
    ),
  },
  nodes: [
    ["MatMul", "x w", "h"],
    ["MatMul", "h v", "y"],
  ],
  outputs: "y",
});

const shareOf = (mask: Mask, name: string): number => inspectMask(mask).find((entry) => entry.name === name)!.share;

describe("masks", () => {
  const mask: Mask = new Map([
    [
      "w",
      bits(
        Array.from({ length: 480 }, (_, i) => (i < 40 || i % 20 === 7 ? 1 : 0)),
        [24, 20],
      ),
    ],
    [
      "v",
      bits(
        Array.from({ length: 100 }, (_, i) => i % 2),
        [20, 5],
      ),
    ],
  ]);

  it("set what they remove to 0 and leave the rest", () => {
    const masked = applyMask(dense, mask).constants.get("v")!.data;
    masked.forEach((v, i) => {
      expect(v).toBe(i % 2 ? 0 : dense.constants.get("v")!.data[i]);
    });
  });

  it("are inspected: shares, and slices of which nothing is left", () => {
    expect(inspectMask(mask)[0]).toEqual({
      name: "w",
      shape: [24, 20],
      elements: 480,
      removed: 62,
      share: 62 / 480,
      emptyFirst: 2,
      emptyLast: 1,
    });
  });

  it("invert, and twice are themselves", () => {
    expect(shareOf(invertMask(mask), "v")).toBe(0.5);
    expect(invertMask(invertMask(mask))).toEqual(mask);
  });

  it("combine to what any of them removes", () => {
    const all = combineMasks(mask, invertMask(mask));
    expect(inspectMask(all).map(({ share }) => share)).toEqual([1, 1]);
    expect(() => combineMasks(mask, new Map([["v", bits([0, 1])]]))).toThrow(RangeError);
  });

  it("are found again in the zeros of a masked graph", () => {
    expect(maskOfZeros(applyMask(dense, mask), ["w", "v"])).toEqual(mask);
  });

  it("that do not fit the graph are refused, all entries at once", () => {
    const wrong: Mask = new Map([
      ["gone", bits([1])],
      ["v", bits([1, 0])],
    ]);
    expect(() => checkMask(dense, wrong)).toThrow(/gone is no constant of the model\n.*v is \[20,5\], its mask \[2\]/);
  });

  describe("as files", () => {
    let folder = "";
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "edgepack-mask-"));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it("come back as they were, whatever the names and shapes", () => {
      const odd: Mask = new Map([
        ["/f1/Gemm.MatMul.weight", bits([1, 0, 1])],
        ["été", bits([1], [])],
        ["empty", bits([], [0, 4])],
        ...mask,
      ]);
      const path = join(folder, "mask.npz");
      saveMask(path, odd);
      expect(loadMask(path)).toEqual(odd);
    });

    it("that cannot be written are an error of the file", () => {
      expect(() => saveMask(join(folder, "none", "mask.npz"), mask)).toThrow(expect.objectContaining({ code: "FILE" }));
    });

    it("are equal bytes where they are equal", () => {
      expect(encodeMask(mask)).toEqual(encodeMask(new Map(mask)));
    });

    it("that hold anything but masks are refused, all arrays at once", () => {
      const path = join(folder, "wrong.npz");
      const npy = (descr: string, data: readonly number[]): Uint8Array => {
        const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${data.length},), }`.padEnd(117);
        return Uint8Array.of(
          0x93,
          ...[..."NUMPY"].map((c) => c.charCodeAt(0)),
          1,
          0,
          118,
          0,
          ...new TextEncoder().encode(`${header}\n`),
          ...data,
        );
      };
      writeFileSync(path, zipSync({ "a.npy": npy("|i1", [1]), "b.npy": npy("|u1", [0, 2]), "c.npy": npy("|u1", [0, 1]) }));
      expect(() => loadMask(path)).toThrow(/a holds numbers of numpy kind i\n.*b holds numbers beside 0 and 1$/);
    });

    it("that are cut short or damaged are refused, and never read past their end", () => {
      const path = join(folder, "cut.npz");
      const whole = encodeMask(mask);
      for (let length = 0; length < whole.length; length += 97) {
        writeFileSync(path, whole.subarray(0, length));
        expect(() => loadMask(path)).toThrow(expect.objectContaining({ code: "DATA_INVALID" }));
      }
    });
  });
});

describe("selection", () => {
  const saliency = magnitude(dense);
  const chosen = (amount: Amount | undefined, options?: SelectOptions): Mask => select(dense, saliency, amount, options);

  it("removes a share of each layer, the least first", () => {
    const mask = chosen({ share: 0.25 });
    expect([shareOf(mask, "w"), shareOf(mask, "v")]).toEqual([0.25, 0.25]);
    const { data } = mask.get("w")!;
    const sizes = (bit: number): number[] => Array.from(saliency.get("w")!).filter((_, i) => data[i] === bit);
    expect(Math.max(...sizes(1))).toBeLessThanOrEqual(Math.min(...sizes(0)));
  });

  it("removes a share of the model: layers of large weights keep more", () => {
    const mask = chosen({ share: 0.5 }, { scope: "model" });
    const removed = inspectMask(mask).reduce((sum, entry) => sum + entry.removed, 0);
    expect(removed).toBe(290);
    expect(shareOf(mask, "w")).toBeGreaterThan(5 * shareOf(mask, "v"));
  });

  it("removes a share of each output", () => {
    const { data } = chosen({ share: 0.5 }, { scope: "output" }).get("w")!;
    for (let o = 0; o < 20; o++) expect(Array.from({ length: 24 }, (_, r) => data[r * 20 + o]).reduce((a, b) => a + b)).toBe(12);
  });

  it("removes what lies below a cut-off, however much that is", () => {
    const { data } = chosen({ cutoff: 0.3 }).get("w")!;
    saliency.get("w")!.forEach((score, i) => {
      expect(data[i]).toBe(score < 0.3 ? 1 : 0);
    });
  });

  it("keeps n of every m neighbours along a patch, and what is left over", () => {
    const conv = graphOf({
      inputs: { x: [1, 3, 3, 6] },
      constants: { w: random([2, 6, 3, 1], 3) },
      nodes: [["Conv", "x w", "y", { layout: "NHWC" }]],
      outputs: "y",
    });
    const { data } = select(conv, magnitude(conv), undefined, { pattern: { kind: "n:m", n: 1, m: 4 } }).get("w")!;
    // Along a patch the channels of a kernel position are neighbours; 18 weights are four groups and two more.
    for (let o = 0; o < 2; o++) {
      const patch = Array.from({ length: 18 }, (_, r) => data[(o * 6 + (r % 6)) * 3 + Math.floor(r / 6)]);
      for (let group = 0; group < 4; group++) expect(patch.slice(4 * group, 4 * group + 4).reduce((a, b) => a + b)).toBe(3);
      expect(patch.slice(16)).toEqual([0, 0]);
    }
  });

  it("removes whole blocks of 16 outputs and 2 steps", () => {
    const { data } = chosen({ share: 0.5 }, { pattern: { kind: "blocks" } }).get("w")!;
    for (const [first, count] of [
      [0, BLOCK.outputs],
      [BLOCK.outputs, 20 - BLOCK.outputs],
    ])
      for (let r = 0; r < 24; r += BLOCK.steps) {
        const block = Array.from({ length: count * BLOCK.steps }, (_, i) => data[(r + Math.floor(i / count)) * 20 + first + (i % count)]);
        expect(new Set(block).size).toBe(1);
      }
    expect(Math.abs(shareOf(chosen({ share: 0.5 }, { pattern: { kind: "blocks" } }), "w") - 0.5)).toBeLessThan(0.04);
  });

  it("removes whole rows", () => {
    const mask = chosen({ share: 0.4 }, { pattern: { kind: "rows" } });
    expect(inspectMask(mask).map(({ emptyLast }) => emptyLast)).toEqual([8, 2]);
  });

  it("leaves depthwise layers alone unless they are asked for", () => {
    const depthwise = graphOf({
      inputs: { x: [1, 3, 3, 4] },
      constants: { w: random([4, 1, 3, 3], 3) },
      nodes: [["Conv", "x w", "y", { layout: "NHWC", group: 4 }]],
      outputs: "y",
    });
    const scores = magnitude(depthwise);
    expect(select(depthwise, scores, { share: 0.5 }).size).toBe(0);
    expect(shareOf(select(depthwise, scores, { share: 0.5 }, { layers: () => true }), "w")).toBe(0.5);
  });

  it("refuses amounts that mean nothing", () => {
    for (const amount of [{ share: 1.1 }, { share: -0.1 }, { share: Number.NaN }, { cutoff: -1 }, { cutoff: Number.NaN }, undefined])
      expect(() => chosen(amount)).toThrow(RangeError);
    expect(() => chosen({ share: 0.5 }, { pattern: { kind: "n:m", n: 2, m: 4 } })).toThrow(/leave the amount out/);
    expect(() => chosen(undefined, { pattern: { kind: "n:m", n: 4, m: 4 } })).toThrow(/4:4 is no pattern/);
    expect(() => chosen({ share: 0.5 }, { pattern: { kind: "blocks" }, scope: "output" })).toThrow(/rank them in their layer/);
  });
});

const ITEMS = 32;
const indices = Array.from({ length: ITEMS }, (_, i) => i);

/** Inputs whose neighbours are alike, as in images: what one weight did another can do. */
const alike = (shape: readonly number[], seed: number): Tensor => {
  const noise = random(shape, seed).data;
  let level = 1;
  return f32(
    noise.map((v) => {
      level = 0.8 * level + 0.3 * v;
      return 1 + level;
    }),
    shape,
  );
};

const dataOf = (shape: readonly number[]): Dataset => ({
  count: ITEMS,
  kind: "values",
  description: "test",
  item: async (i) => ({ x: alike(shape, i + 1).data as Float32Array }),
});

const momentsOf = (graph: Graph, shape: readonly number[]) =>
  inputMoments(
    graph,
    prunedWeights(graph).flatMap(({ nodes }) => nodes),
    dataOf(shape),
    { indices },
  );

/** Squared error of the output on the inputs that moments were taken from. */
function outputError(graph: Graph, pruned: Graph, shape: readonly number[]): number {
  let sum = 0;
  for (const i of indices) {
    const x = alike(shape, i + 1);
    const [want, got] = [graph, pruned].map((g) => evaluate(g, { x }).y.data);
    for (let k = 0; k < want.length; k++) sum += (want[k] - got[k]) ** 2;
  }
  return sum;
}

const LAYERS: Readonly<Record<string, { readonly shape: readonly number[]; readonly graph: Graph }>> = {
  "a matrix product": {
    shape: [3, 24],
    graph: graphOf({ inputs: { x: [3, 24] }, constants: { w: random([24, 7], 4) }, nodes: [["MatMul", "x w", "y"]], outputs: "y" }),
  },
  "a convolution in two groups": {
    shape: [1, 7, 7, 4],
    graph: graphOf({
      inputs: { x: [1, 7, 7, 4] },
      constants: { w: random([6, 2, 3, 2], 3) },
      nodes: [["Conv", "x w", "y", { group: 2, strides: [2, 1], pads: [0, 1, 1, 0], layout: "NHWC" }]],
      outputs: "y",
    }),
  },
  "weights that two layers share": {
    shape: [3, 9],
    graph: graphOf({
      inputs: { x: [3, 9] },
      constants: { w: random([9, 9], 4), two: f32([2]) },
      nodes: [
        ["MatMul", "x w", "a"],
        ["Mul", "x two", "z"],
        ["MatMul", "z w", "b"],
        ["Add", "a b", "y"],
      ],
      outputs: "y",
    }),
  },
};

describe("criteria and reconstruction", () => {
  for (const [name, { graph, shape }] of Object.entries(LAYERS)) {
    it(`${name}: what is kept makes up for what is removed`, async () => {
      const moments = await momentsOf(graph, shape);
      for (const share of [0.2, 0.5, 0.8]) {
        const mask = select(graph, magnitude(graph), { share });
        const refitted = reconstruct(graph, mask, moments);
        expect(maskOfZeros(refitted, ["w"])).toEqual(mask);
        expect(outputError(graph, refitted, shape)).toBeLessThan(0.5 * outputError(graph, applyMask(graph, mask), shape));
      }
    });

    it(`${name}: no step along a kept weight makes a reconstruction better`, async () => {
      const moments = await momentsOf(graph, shape);
      for (const share of [0.3, 0.7]) {
        const mask = select(graph, magnitude(graph), { share });
        const refitted = reconstruct(graph, mask, moments);
        const least = outputError(graph, refitted, shape);
        const weights = refitted.constants.get("w")!;
        for (let i = 0; i < weights.data.length; i += 5) {
          if (mask.get("w")!.data[i]) continue;
          for (const step of [-0.1, 0.1]) {
            const moved = { ...weights, data: Float32Array.from(weights.data, (w, k) => w + (k === i ? step : 0)) };
            const other = { ...refitted, constants: new Map([...refitted.constants, ["w", moved]]) };
            expect(outputError(graph, other, shape)).toBeGreaterThan(least);
          }
        }
      }
    });

    it(`${name}: in rounds the share is met, with less error than at once, and as the mask's own reconstruction`, async () => {
      const moments = await momentsOf(graph, shape);
      const once = reconstruct(graph, select(graph, wanda(graph, moments), { share: 0.5 }), moments);
      const { graph: pruned, mask } = pruneGradually(graph, wanda, { share: 0.5 }, moments);
      expect(Math.abs(shareOf(mask, "w") - 0.5)).toBeLessThan(0.01);
      expect(outputError(graph, pruned, shape)).toBeLessThan(outputError(graph, once, shape));
      const direct = reconstruct(graph, mask, moments).constants.get("w")!.data;
      pruned.constants.get("w")!.data.forEach((w, i) => {
        expect(Math.abs(w - direct[i])).toBeLessThan(1e-4);
      });
    });

    it(`${name}: of one weight for each output, the surgeon's choice leaves less error than magnitude's`, async () => {
      const moments = await momentsOf(graph, shape);
      const { view } = prunedWeights(graph)[0];
      const error = (saliency: Saliency): number => {
        const mask = select(graph, saliency, { share: 1 / view.k }, { scope: "output" });
        return outputError(graph, reconstruct(graph, mask, moments), shape);
      };
      expect(error(surgeon(graph, moments))).toBeLessThanOrEqual(error(magnitude(graph)));
    });
  }

  it("the surgeon's saliency is the share of the layer's energy that is lost when a weight goes and the others make up for it", async () => {
    const { graph, shape } = LAYERS["a matrix product"];
    const moments = await momentsOf(graph, shape);
    const scores = surgeon(graph, moments).get("w")!;
    const energy = outputError(graph, applyMask(graph, new Map([["w", bits(new Array(168).fill(1), [24, 7])]])), shape);
    for (const i of [3, 50, 167]) {
      const mask: Mask = new Map([
        [
          "w",
          bits(
            Array.from({ length: 168 }, (_, k) => (k === i ? 1 : 0)),
            [24, 7],
          ),
        ],
      ]);
      const lost = outputError(graph, reconstruct(graph, mask, moments), shape) / energy;
      // Damping of one percent weighs in on what is computed.
      expect(lost / scores[i]).toBeGreaterThan(0.1);
      expect(lost / scores[i]).toBeLessThan(1.05);
    }
  });

  it("Wanda's saliency in a layer is in the order of |w| · ‖x‖", async () => {
    const { graph, shape } = LAYERS["a matrix product"];
    const scores = wanda(graph, await momentsOf(graph, shape)).get("w")!;
    const norms = Array.from({ length: 24 }, (_, r) =>
      indices.reduce((sum, i) => {
        const x = alike(shape, i + 1).data;
        return sum + x[r] ** 2 + x[24 + r] ** 2 + x[48 + r] ** 2;
      }, 0),
    );
    const ratio = (i: number): number => scores[i] / (graph.constants.get("w")!.data[i] ** 2 * norms[Math.floor(i / 7)]);
    // The diagonal is damped by a hundredth of its mean.
    for (let i = 1; i < scores.length; i++) expect(Math.abs(ratio(i) / ratio(0) - 1)).toBeLessThan(0.05);
  });

  it("Taylor's saliency is |w · g| of those weights that have a gradient", () => {
    const gradient = random([20, 5], 9);
    const scores = taylor(dense, new Map([["v", gradient]]));
    expect([...scores.keys()]).toEqual(["v"]);
    scores.get("v")!.forEach((score, i) => {
      expect(score).toBe(Math.abs(dense.constants.get("v")!.data[i] * gradient.data[i]));
    });
    expect(() => taylor(dense, new Map([["v", f32([1])]]))).toThrow(/the gradient of v has 1 elements/);
  });
});
