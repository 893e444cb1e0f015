import { describe, expect, it } from "vitest";
import { scanLayers } from "../../src/compress/layer-scan.ts";
import { syntheticDataset } from "../../src/data/index.ts";
import { graphOf, random } from "../graph/build.ts";

const net = graphOf({
  inputs: { x: [1, 8] },
  constants: { w: random([8, 16], 1), v: random([16, 4], 2) },
  nodes: [
    ["MatMul", "x w", "a"],
    ["Relu", "a", "r"],
    ["MatMul", "r v", "s"],
    ["Softmax", "s", "y"],
  ],
  outputs: "y",
});
const data = { data: syntheticDataset([{ name: "x", shape: [1, 8] }], 32, 0), indices: Array.from({ length: 32 }, (_, i) => i) };
const sqnrs = (layer: { points: readonly { sqnr: number }[] }) => layer.points.map(({ sqnr }) => sqnr);

describe("a scan of layers", () => {
  it("by pruning has each layer with weights, and loses more the more goes", async () => {
    const { layers, samples, reference } = await scanLayers(net, { by: "prune", levels: [0.25, 0.5, 0.75], calibration: data });
    expect([samples, reference.same, reference.correct]).toEqual([32, 32, undefined]);
    expect(layers.map(({ weights }) => weights)).toEqual([128, 64]);
    for (const layer of layers) expect(sqnrs(layer)).toEqual(sqnrs(layer).toSorted((a, b) => b - a));
  });

  it("by bits loses about 6 dB a bit", async () => {
    const { layers } = await scanLayers(net, { by: "bits", levels: [8, 5], calibration: data });
    for (const layer of layers) {
      const [fine, coarse] = sqnrs(layer);
      expect((fine - coarse) / 3).toBeGreaterThan(4.5);
      expect((fine - coarse) / 3).toBeLessThan(8);
    }
  });

  it("measures before a Softmax, which hides what becomes of the scores", async () => {
    const bare = { ...net, nodes: net.nodes.slice(0, -1), outputs: ["s"] };
    const options = { by: "prune", levels: [0.5], calibration: data } as const;
    expect((await scanLayers(net, options)).layers).toEqual((await scanLayers(bare, options)).layers);
  });

  it("of a model without weights is refused", async () => {
    const empty = graphOf({ inputs: { x: [1, 8] }, constants: {}, nodes: [["Relu", "x", "y"]], outputs: "y" });
    await expect(scanLayers(empty, { by: "prune", levels: [0.5], calibration: data })).rejects.toThrow(/no layer with constant weights/);
  });
});
