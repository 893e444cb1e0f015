import { SectionKind, Status, Work } from "../../assembly/shared/container.ts";
import { EdgepackError } from "../errors.ts";
import { invalid, readChunks, readContainer, sectionOf } from "../format/container.ts";
import { readMeta } from "../format/meta.ts";
import { Model } from "./model.ts";
import { readSource, type Source } from "./source.ts";
import { instantiate, type WasmSource } from "./wasm.ts";

export interface LoadOptions {
  /** The kernels, where they are not beside the script: in Workers the imported module. */
  readonly wasm?: WasmSource;
}

const PAGE = 65536;

/**
 * Reads a `.epk`, checks it, and unpacks it into the memory of a wasm instance of its own.
 * Throws FILE, EPK_INVALID, EPK_VERSION, WASM_UNAVAILABLE, and LIMIT where there is not enough memory.
 */
export async function load(source: Source | PromiseLike<Source>, options: LoadOptions = {}): Promise<Model> {
  const sections = readContainer(await readSource(source));
  const meta = readMeta(sectionOf(sections, SectionKind.meta));
  const kernels = await instantiate(options.wasm);
  const { memory } = kernels;
  const pages = Math.ceil((Math.max(meta.memory, meta.image + Work.bytes) - memory.buffer.byteLength) / PAGE);
  try {
    if (pages > 0) memory.grow(pages);
  } catch (cause) {
    throw new EdgepackError("LIMIT", `The model needs ${meta.memory} bytes of memory and does not get them.`, [], { cause });
  }
  const bytes = new Uint8Array(memory.buffer);
  for (const { body, hash } of readChunks(sectionOf(sections, SectionKind.chunks))) {
    bytes.set(body, meta.image + Work.chunk);
    if (kernels.unpack(meta.image, body.length, hash) !== Status.ok) throw invalid("its weights are damaged");
  }
  bytes.fill(0, meta.image, meta.image + Work.bytes);
  return new Model(meta, kernels);
}
