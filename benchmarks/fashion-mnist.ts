/** The trained models that results are shown for, smallest first, and how to feed them. */
import { pathToFileURL } from "node:url";

export const ROOT = pathToFileURL(`${process.cwd()}/`);

/** Two lie in the examples, the others beside the accuracy suite. */
export const MODELS: Readonly<Record<string, string>> = {
  dscnn: "examples/fashion-mnist/dscnn.onnx",
  lenet300: "tests/accuracy/models/lenet300.onnx",
  lenet5: "tests/accuracy/models/lenet5.onnx",
  resnet8: "tests/accuracy/models/resnet8.onnx",
  resnet20: "examples/fashion-mnist/resnet20.onnx",
  vit: "tests/accuracy/models/vit.onnx",
};

/** How they were trained. */
export const PREPROCESS = { mean: [0.286], std: [0.353], layout: "nchw" } as const;

/** Folder of the data set: Debian's dataset-fashion-mnist, or a copy. */
export const DATA = process.env.EDGEPACK_FASHION_MNIST ?? "/usr/share/datasets/fashion-mnist";
