/** onnxruntime-web beside edgepack, where the user has it installed: it is no dependency. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Port } from "../format/image.ts";
import type { TypedArray, Values } from "../run/index.ts";

interface Session {
  readonly inputMetadata: readonly { readonly name: string; readonly type: string }[];
  run(feeds: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, { readonly data: ArrayLike<number> }>>>;
}

interface Onnxruntime {
  readonly env: { readonly wasm: { numThreads: number }; readonly versions?: { readonly common: string }; logLevel: string };
  readonly InferenceSession: { create(onnx: Uint8Array): Promise<Session> };
  readonly Tensor: new (type: string, data: TypedArray | BigInt64Array, shape: readonly number[]) => unknown;
}

export interface Peer {
  readonly version: string;
  /** A model ready to run on these values. Rejects with onnxruntime's own error where it refuses the model. */
  session(onnx: Uint8Array, inputs: readonly Pick<Port, "name" | "shape">[], values: Values): Promise<() => Promise<unknown>>;
}

/** The package that `folder` would import, or undefined where it has none. */
export async function peerOf(folder: string): Promise<Peer | undefined> {
  let path: string;
  try {
    path = createRequire(join(folder, "package.json")).resolve("onnxruntime-web");
  } catch {
    return undefined;
  }
  const ort = (await import(pathToFileURL(path).href)) as Onnxruntime;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "fatal";
  return {
    version: ort.env.versions?.common ?? "of unknown version",
    async session(onnx, inputs, values) {
      const session = await ort.InferenceSession.create(onnx);
      const types = new Map(session.inputMetadata.map(({ name, type }) => [name, type]));
      const tensor = (name: string, shape: readonly number[]): unknown => {
        const type = types.get(name)!;
        const data = type === "int64" ? BigInt64Array.from(values[name] as Int32Array, BigInt) : values[name];
        return new ort.Tensor(type, data, shape);
      };
      const run = () => session.run(Object.fromEntries(inputs.map(({ name, shape }) => [name, tensor(name, shape)])));
      await run();
      return run;
    },
  };
}
