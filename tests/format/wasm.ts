import { readFileSync } from "node:fs";
import { Work } from "../../assembly/shared/container.ts";
import { xxh32 } from "../../src/format/xxh32.ts";

interface Decoder {
  readonly memory: WebAssembly.Memory;
  unpack(image: number, length: number, hash: number): number;
}

export const moduleOf = (build: "simd" | "scalar"): WebAssembly.Module =>
  new WebAssembly.Module(readFileSync(new URL(`../../dist/${build}.wasm`, import.meta.url)));

/** The decoder in WebAssembly with memory for an image that ends at `end`: gives each body's status, and the memory. */
export function wasmDecoder(
  module: WebAssembly.Module,
  end: number,
): (bodies: readonly Uint8Array[]) => { statuses: number[]; memory: Uint8Array } {
  const decoder = new WebAssembly.Instance(module).exports as unknown as Decoder;
  decoder.memory.grow(Math.ceil((end + Work.bytes) / 65536));
  const memory = new Uint8Array(decoder.memory.buffer);
  return (bodies) => {
    memory.fill(0, 4096);
    const statuses = bodies.map((body) => {
      memory.set(body, end + Work.chunk);
      return decoder.unpack(end, body.length, xxh32(body));
    });
    return { statuses, memory };
  };
}
