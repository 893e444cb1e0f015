/** What `exportOnnx` writes, in onnxruntime-web: the same classes as the pack, on the test images of the examples. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { build, exportOnnx, load, openDataset } from "../../src/index.ts";
import { modelPath } from "../accuracy/edgepack.ts";

const MODELS = ["lenet300", "lenet5", "dscnn", "resnet8", "resnet20", "vit"];
const IMAGES = fileURLToPath(new URL("../../examples/fashion-mnist/slice", import.meta.url));
const PREPROCESS = { mean: [0.286], std: [0.353], layout: "nchw" } as const;
const CALIBRATION = 64;

const best = (scores: Float32Array): number => scores.reduce((a, v, i) => (v > scores[a] ? i : a), 0);

describe("exports in onnxruntime-web", () => {
  let ort: typeof import("onnxruntime-web");
  beforeAll(async () => {
    ort = await import("onnxruntime-web");
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
  });

  it.each(MODELS)("%s has the same top-1 on 999 of 1,000 images", async (name) => {
    const onnx = readFileSync(modelPath(name));
    const { meta } = await build(onnx, { weights: "f32" });
    const [input] = meta.inputs;
    const [output] = meta.outputs;
    const inputs = [{ ...input, preprocess: PREPROCESS }];
    const calibration = await openDataset(IMAGES, { part: "train", inputs });
    const { epk, graph } = await build(onnx, { calibration, calibrationCount: CALIBRATION, preprocess: PREPROCESS });
    const test = await openDataset(IMAGES, { part: "test", inputs });
    const session = await ort.InferenceSession.create(exportOnnx(graph));
    using model = await load(epk);

    let same = 0;
    const { mean, std } = PREPROCESS;
    for (let i = 0; i < test.count; i++) {
      const pixels = (await test.item(i))[input.name];
      const real = Float32Array.from(pixels, (byte) => (byte / 255 - mean[0]) / std[0]);
      const results = await session.run({ [input.name]: new ort.Tensor("float32", real, input.shape) });
      if (best(model.run({ [input.name]: pixels })[output.name] as Float32Array) === best(results[output.name].data as Float32Array))
        same++;
    }
    expect(test.count).toBe(1000);
    expect(same).toBeGreaterThanOrEqual(999);
  });
});
