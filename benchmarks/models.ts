/** What the benchmark runs: trained nets, nets of made-up weights, and real models where a folder of them is at hand. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildOptions } from "../src/build.ts";
import { type Dataset, openDataset, syntheticDataset } from "../src/data/index.ts";
import type { InputPort } from "../src/format/image.ts";
import { DATA, MODELS, PREPROCESS, ROOT } from "./fashion-mnist.ts";
import { NETS, onnxOf } from "./nets.ts";

export interface BenchModel {
  readonly onnx: () => Uint8Array;
  readonly options?: Pick<BuildOptions, "preprocess">;
  readonly shapes?: BuildOptions["shapes"];
  readonly calibration: (inputs: readonly InputPort[]) => Dataset | Promise<Dataset>;
  /** Begins the names of its LiteRT files. */
  readonly twin?: string;
  /** Whether int8 with dynamic activations is measured as well. */
  readonly dynamic?: boolean;
}

const SYNTHETIC = 8;
const synthetic = (inputs: readonly InputPort[]): Dataset => syntheticDataset(inputs, SYNTHETIC, 1);

/** In the folder that EDGEPACK_MODELS names. */
const REAL: Readonly<Record<string, string>> = {
  FastestDet: "FastestDet.onnx",
  UltraFace: "version-RFB-320.onnx",
  "MobileNetV1 0.25 224": "mobilenet_v1_0.25_224_imagenet_fp32.onnx",
  "MLPerf ResNet-8": "mlperf_resnet8_cifar10.onnx",
  "MLPerf wake words": "mlperf_vww_mobilenetv1_0.25_96.onnx",
  "MLPerf keywords": "mlperf_kws_dscnn.onnx",
  "MLPerf anomaly": "mlperf_ad_autoencoder.onnx",
};

/** By name, in the order in which tables show them. */
export function allModels(): Readonly<Record<string, BenchModel>> {
  const trained = Object.entries(MODELS).map(([name, path]): [string, BenchModel] => [
    `fmnist-${name}`,
    {
      onnx: () => readFileSync(new URL(path, ROOT)),
      options: { preprocess: PREPROCESS },
      calibration: (inputs) => openDataset(DATA, { part: "train", inputs: inputs.map((input) => ({ ...input, preprocess: PREPROCESS })) }),
    },
  ]);
  const made = Object.entries(NETS).map(([name, { twin, dynamic }]): [string, BenchModel] => [
    name,
    { onnx: () => onnxOf(name), calibration: synthetic, twin, dynamic },
  ]);
  const folder = process.env.EDGEPACK_MODELS;
  const real = Object.entries(folder ? REAL : {}).flatMap(([name, file]): [string, BenchModel][] => {
    const path = join(folder!, file);
    return existsSync(path) ? [[name, { onnx: () => readFileSync(path), calibration: synthetic }]] : [];
  });
  return Object.fromEntries([...made, ...trained, ...real]);
}
