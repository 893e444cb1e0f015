/** onnxruntime-web, one thread. */
import { importPeer } from "../peers.ts";
import type { Engine, Feed } from "./engine.ts";

const TYPES: Readonly<Record<Feed["dtype"], string>> = { f32: "float32", i32: "int32", i8: "int8", u8: "uint8", bool: "bool" };

interface Session {
  readonly outputNames: readonly string[];
  run(feeds: Record<string, unknown>): Promise<Record<string, { readonly data: ArrayLike<number> }>>;
}

interface Onnxruntime {
  readonly env: { readonly wasm: { numThreads: number }; logLevel: string };
  readonly InferenceSession: { create(onnx: Uint8Array): Promise<Session> };
  readonly Tensor: new (type: string, data: Feed["data"], shape: readonly number[]) => unknown;
}

let imported: Promise<Onnxruntime> | undefined;

async function onnxruntime(): Promise<Onnxruntime> {
  imported ??= importPeer<Onnxruntime>("tests/peers", "onnxruntime-web");
  const ort = await imported;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "fatal";
  return ort;
}

export async function onnxruntimeEngine(onnx: Uint8Array, feeds: readonly Feed[]): Promise<Engine> {
  const ort = await onnxruntime();
  const session = await ort.InferenceSession.create(onnx);
  return {
    run: () =>
      session.run(Object.fromEntries(feeds.map(({ name, dtype, shape, data }) => [name, new ort.Tensor(TYPES[dtype], data, shape)]))),
    read: (answer) => session.outputNames.map((name) => (answer as Awaited<ReturnType<Session["run"]>>)[name].data),
  };
}
