/**
 * Random models that come quantized against onnxruntime-web: every integer of every step is within one of onnxruntime's. `EDGEPACK_QUANTIZED` models of each
 * kind (20 where unset) from the seed `EDGEPACK_SEED`.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { build, load } from "../../src/index.ts";
import { type Kind, quantizedModel } from "./quantized-graph.ts";

const count = Number(process.env.EDGEPACK_QUANTIZED ?? 20);
const seed = Number(process.env.EDGEPACK_SEED ?? 1);

const KINDS: readonly Kind[] = (["pairs", "operators"] as const).flatMap((form) =>
  [false, true].flatMap((signed) => [false, true].map((perChannel) => ({ form, signed, perChannel }))),
);

describe(`models that come quantized, seed ${seed}`, () => {
  let ort: typeof import("onnxruntime-web");
  beforeAll(async () => {
    ort = await import("onnxruntime-web");
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
  });

  for (const kind of KINDS) {
    const name = `${kind.form}, ${kind.signed ? "int8" : "uint8"} activations, weights with ${kind.perChannel ? "a scale for each output" : "one scale"}`;
    it(name, async () => {
      let [same, all] = [0, 0];
      for (let i = 0; i < count; i++) {
        const { bytes, input, outputs, steps } = quantizedModel(kind, 1000 * seed + i);
        const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
        const given = new ort.Tensor(kind.signed ? "int8" : "uint8", input.data as Int8Array, input.shape);
        const wanted = await session.run({ x: given });
        const { epk } = await build(bytes, { weights: "f32" });
        using model = await load(epk);
        const actual = model.run({ x: input.data as Int8Array });
        for (const [k, output] of outputs.entries()) {
          const want = wanted[output].data as Int8Array;
          expect(actual[output]).toHaveLength(want.length);
          want.forEach((q, at) => {
            const apart = Math.abs(Number(actual[output][at]) - q);
            if (apart > 1)
              expect.fail(
                `${output}[${at}] is ${actual[output][at]}, not ${q}; seed ${1000 * seed + i}: ${steps.slice(0, k + 1).join(", ")}`,
              );
            all++;
            same += Number(apart === 0);
          });
        }
      }
      expect(same / all, "integers that are the same").toBeGreaterThan(0.95);
    });
  }
});
