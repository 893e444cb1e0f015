import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { IMAGE_START } from "../../assembly/shared/plan.ts";
import { NETS, onnxOf } from "../../benchmarks/nets.ts";
import { quantizeDynamic, quantizeStatic } from "../../src/compress/quantize.ts";
import { writeEpk } from "../../src/format/index.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { readOnnx } from "../../src/onnx/index.ts";
import { optimize } from "../../src/passes/index.ts";
import { planGraph } from "../../src/plan/plan.ts";
import { load } from "../../src/run/index.ts";
import { gridOfRange } from "../../src/tensor/index.ts";
import { moduleOf } from "../format/wasm.ts";

/** Those of the benchmark's nets whose activations are large need no memory to unpack in, and take long to pack. */
const SMALL = Object.keys(NETS).filter((name) => name !== "resnet18" && name !== "encoder");

const BESIDES = 128 * 1024;

const file = (path: string) => () => readFileSync(new URL(`../../${path}`, import.meta.url));
const MODELS: Readonly<Record<string, () => Uint8Array>> = {
  "dscnn, Fashion-MNIST": file("examples/fashion-mnist/dscnn.onnx"),
  "resnet20, Fashion-MNIST": file("examples/fashion-mnist/resnet20.onnx"),
  "lenet5, Fashion-MNIST": file("tests/accuracy/models/lenet5.onnx"),
  "vit, Fashion-MNIST": file("tests/accuracy/models/vit.onnx"),
  ...Object.fromEntries(SMALL.map((name) => [name, () => onnxOf(name)])),
};

const FORMS: Readonly<Record<string, (graph: Graph) => Graph>> = {
  f32: (graph) => graph,
  "int8, static": (graph) => {
    const values = [...graph.inputs, ...graph.nodes.flatMap((node) => node.outputs)];
    return quantizeStatic(graph, new Map(values.map((value) => [value, gridOfRange(-4, 4)])));
  },
  "int8, dynamic": (graph) => quantizeDynamic(graph),
};

describe("a loaded model has wasm memory for its weights, 1.1 times the least that live values and scratch need, and 128 KB", () => {
  const simd = moduleOf("simd");
  for (const [name, onnx] of Object.entries(MODELS)) {
    it(name, async () => {
      const graph = optimize(readOnnx(onnx()).graph);
      for (const [form, quantize] of Object.entries(FORMS)) {
        const { pack, arena } = planGraph(quantize(graph));
        const { memory } = await load(writeEpk(pack), { wasm: simd });
        const allowed = pack.meta.image - IMAGE_START + 1.1 * arena.lowerBound + BESIDES;
        expect(memory.bytes, form).toBeLessThanOrEqual(allowed);
      }
    });
  }
});
