import { SectionKind } from "../../assembly/shared/container.ts";
import { invalid, readChunks, readContainer, sectionOf } from "./container.ts";
import { type PieceInfo, unpackChunk } from "./decode.ts";
import type { Meta } from "./image.ts";
import { readMeta } from "./meta.ts";
import { xxh32 } from "./xxh32.ts";

export interface Epk {
  readonly meta: Meta;
  /** Memory from 0 to the end of the image, as `load` rebuilds it. */
  readonly image: Uint8Array;
  /** What the image is made of, in order of address. */
  readonly pieces: readonly PieceInfo[];
  /** Bytes of each section by kind (SectionKind); what is missing to the file's length is header and padding. */
  readonly sections: ReadonlyMap<number, number>;
}

/**
 * Reads a `.epk` without WebAssembly, for `inspect` and tests; `edgepack/run` has its own, smaller way. Throws EPK_INVALID, EPK_VERSION.
 */
export function readEpk(file: Uint8Array): Epk {
  const sections = readContainer(file);
  const pieces: PieceInfo[] = [];
  const chunks = sectionOf(sections, SectionKind.chunks);
  const meta = readMeta(sectionOf(sections, SectionKind.meta), chunks.length);
  const image = new Uint8Array(meta.image);
  for (const { body, hash } of readChunks(chunks)) {
    if (xxh32(body) !== hash) throw invalid("its weights are damaged");
    pieces.push(...unpackChunk(body, image, meta.image));
  }
  return { meta, image, pieces, sections: new Map([...sections].map(([kind, bytes]) => [kind, bytes.length])) };
}
