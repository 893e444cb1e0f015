import { SectionKind, Status, Work } from "../../assembly/shared/container.ts";
import { EdgepackError } from "../errors.ts";
import { invalid, readChunks, readContainer, sectionOf } from "../format/container.ts";
import { readMeta } from "../format/meta.ts";
import { opsOf } from "../format/ops.ts";
import { Model } from "./model.ts";
import { readSource, type Source } from "./source.ts";
import { instantiate, type WasmSource } from "./wasm.ts";

export interface LoadOptions {
  /** The kernels, where they are not beside the script: in Workers the imported module. */
  readonly wasm?: WasmSource;
  /** Most bytes of memory for activations and scratch that a file may ask for; 2²⁹ by default. For weights it gets what its length accounts for. */
  readonly maxArena?: number;
}

const PAGE = 65536;
const MAX_ARENA = 2 ** 29;

/**
 * Reads a `.epk`, checks it, and unpacks it into the memory of a wasm instance of its own.
 * Throws FILE, EPK_INVALID, EPK_VERSION (also where the kernels are another model's), WASM_UNAVAILABLE, and LIMIT where it needs more memory than there is or than `maxArena` allows.
 */
export async function load(source: Source | PromiseLike<Source>, options: LoadOptions = {}): Promise<Model> {
  const { wasm, maxArena = MAX_ARENA } = options;
  const [file, kernels] = await Promise.all([readSource(source), instantiate(wasm)]);
  const sections = readContainer(file);
  const chunks = sectionOf(sections, SectionKind.chunks);
  const meta = readMeta(sectionOf(sections, SectionKind.meta), chunks.length);
  const arena = meta.memory - meta.image;
  const { memory } = kernels;
  let end = meta.memory;
  for (const { body } of readChunks(chunks)) end = Math.max(end, meta.image + Work.chunk + body.length);
  const pages = Math.ceil((end - memory.buffer.byteLength) / PAGE);
  try {
    if (arena > maxArena) throw new RangeError();
    if (pages > 0) memory.grow(pages);
  } catch (cause) {
    throw new EdgepackError(
      "LIMIT",
      `The model needs ${arena} bytes besides its weights; load(model, { maxArena }) allows ${maxArena}.`,
      [],
      {
        cause,
      },
    );
  }
  for (const { body, hash } of readChunks(chunks)) {
    // A new view each time: unpacking may make memory grow.
    new Uint8Array(memory.buffer).set(body, meta.image + Work.chunk);
    if (kernels.unpack(meta.image, body.length, hash) !== Status.ok) throw invalid("its weights are damaged");
  }
  new Uint8Array(memory.buffer).fill(0, meta.image, meta.image + Work.bytes);
  const missing = [...opsOf(new Int32Array(memory.buffer, 0, meta.image >> 2), meta.plan)].filter((op) => !(op in kernels));
  if (missing.length)
    throw new EdgepackError(
      "EPK_VERSION",
      `This wasm module has no kernels for ops ${missing.join(", ")} of the model: it was made for another model, or by an older edgepack.`,
    );
  return new Model(meta, kernels);
}
