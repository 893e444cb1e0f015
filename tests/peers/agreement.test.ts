/**
 * Every output of whole models in f32 against onnxruntime-web, on five inputs each: those that come with `npm ci` in this folder, and those of the folder that
 * EDGEPACK_MODELS names, where it is set.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { build, load } from "../../src/index.ts";
import { RelativeDifference } from "./difference.ts";
import { realModels } from "./models.ts";

const INPUTS = 5;
const RELATIVE = 1e-3;

describe.each(realModels(new URL(".", import.meta.url)))("$name", ({ path, shapes, make, rate }) => {
  it("agrees with onnxruntime-web", async () => {
    const onnx = readFileSync(path);
    const { epk } = await build(onnx, { weights: "f32", shapes, ...(rate && { fixed: { sr: [rate] } }) });
    using model = await load(epk);
    const ort = await import("onnxruntime-web");
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(onnx, { logSeverityLevel: 3 });
    const difference = new RelativeDifference();
    for (let seed = 1; seed <= INPUTS; seed++) {
      const item = make(seed) as Readonly<Record<string, Float32Array>>;
      const tensors = Object.entries(item).map(([input, data]) => [input, new ort.Tensor("float32", data, [...shapes[input]])] as const);
      const sr = rate ? [["sr", new ort.Tensor("int64", BigInt64Array.of(BigInt(rate)), [])] as const] : [];
      const expected = await session.run(Object.fromEntries([...tensors, ...sr]));
      const actual = model.run(item);
      for (const output of session.outputNames) difference.add(output, expected[output].data as Float32Array, actual[output]);
    }
    expect(difference.largest).toBeLessThanOrEqual(RELATIVE);
  });
});
