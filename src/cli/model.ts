import { MAGIC } from "../../assembly/shared/container.ts";
import { build } from "../build.ts";
import { readBytes } from "../data/file.ts";
import type { InputSpec } from "../data/index.ts";
import { type ReadOptions, readOnnx } from "../onnx/index.ts";
import { load, type Model } from "../run/index.ts";
import { externalDataOf, type ModelOptions, preprocessOf, readLabels, refuseModelOptions } from "./model-options.ts";
import { note, type Terminal } from "./terminal.ts";

/** Whether a file that begins so is a `.epk`. */
export function isPack(head: Uint8Array): boolean {
  return head.length >= 4 && new DataView(head.buffer, head.byteOffset).getUint32(0, true) === MAGIC;
}

/** The inputs of an ONNX model, in order, with every dimension fixed. */
export function onnxInputs(bytes: Uint8Array, options: ReadOptions): InputSpec[] {
  const { graph } = readOnnx(bytes, options);
  return graph.inputs.map((name) => {
    const { dtype, shape } = graph.types.get(name)!;
    return { name, shape, dtype: dtype === "i64" ? "i32" : dtype };
  });
}

/** A model ready to run. */
export async function openModel(terminal: Terminal, path: string, options: ModelOptions): Promise<Model> {
  return load(await openPack(terminal, path, options));
}

/** A pack as it is; an ONNX file is built in memory with f32 weights, which is said on stderr. */
export async function openPack(terminal: Terminal, path: string, options: ModelOptions): Promise<Uint8Array> {
  const bytes = readBytes(path);
  if (isPack(bytes)) {
    refuseModelOptions(options, path);
    return bytes;
  }
  note(terminal, `${path} is no .epk: building it in memory with f32 weights`);
  const external = externalDataOf(path);
  const preprocess = preprocessOf(options, onnxInputs(bytes, { shapes: options.shape, fixed: options.fix, external }));
  const labels = options.labels === undefined ? undefined : readLabels(options.labels);
  const { epk } = await build(bytes, { shapes: options.shape, fixed: options.fix, external, weights: "f32", preprocess, labels });
  return epk;
}
