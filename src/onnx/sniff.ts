/** Files that people hand over as ONNX and that are something else. */

const text = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
const starts =
  (...head: number[]) =>
  (bytes: Uint8Array) =>
    head.every((b, i) => bytes[i] === b);

const FORMATS: readonly { readonly is: (bytes: Uint8Array) => boolean; readonly what: string; readonly next: string }[] = [
  { is: (b) => text(b, 0, 23) === "version https://git-lfs", what: "a Git LFS pointer", next: "fetch the file itself with `git lfs pull`" },
  {
    is: (b) => text(b, 4, 8) === "TFL3",
    what: "a TensorFlow Lite model",
    next: "convert it with `python -m tf2onnx.convert --tflite model.tflite --output model.onnx`",
  },
  { is: (b) => text(b, 4, 8) === "ORTM", what: "an onnxruntime .ort model", next: "give the .onnx file that it was made from" },
  {
    is: starts(0x50, 0x4b, 3, 4),
    what: "a zip archive, such as a PyTorch .pt or .pth file or a Keras model",
    next: "export it with `torch.onnx.export(model, example, 'model.onnx')`, or unpack the .onnx inside",
  },
  { is: starts(0x80, 2), what: "a Python pickle, such as an old PyTorch file", next: "export it with `torch.onnx.export`" },
  { is: starts(0x1f, 0x8b), what: "gzip data", next: "unpack it first with `gunzip`" },
  { is: starts(0x28, 0xb5, 0x2f, 0xfd), what: "zstd data", next: "unpack it first with `zstd -d`" },
  { is: starts(0x89, 0x48, 0x44, 0x46), what: "an HDF5 file, such as a Keras .h5 model", next: "convert it with tf2onnx" },
  { is: (b) => text(b, 0, 4) === "GGUF", what: "a GGUF model", next: "give the model as .onnx" },
  {
    is: (b) => text(b, 8, 10) === '{"' && b[7] === 0,
    what: "a safetensors file, which has weights but no graph",
    next: "export the model to ONNX",
  },
  {
    is: (b) => /^\s*<(!doctype|html|\?xml)/i.test(text(b, 0, 64)),
    what: "an HTML or XML page",
    next: "download the file itself, not its page",
  },
  { is: (b) => /^\s*[{[]/.test(text(b, 0, 16)) && b[0] !== 0x0a, what: "JSON", next: "give the model as .onnx" },
  { is: (b) => /^[\t\n\r\x20-\x7e]+$/.test(text(b, 0, 64)), what: "plain text", next: "give the model as .onnx" },
];

/** What the bytes are, where they are plainly not ONNX, and what to do; undefined where they may be ONNX. */
export function notOnnx(bytes: Uint8Array): { readonly what: string; readonly next: string } | undefined {
  if (bytes.length === 0) return { what: "an empty file", next: "check that the export or download finished" };
  return FORMATS.find(({ is }) => is(bytes));
}
