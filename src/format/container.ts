import {
  CHUNK_BODY,
  ChunkField,
  FileField,
  FORMAT_VERSION,
  MAGIC,
  OLDEST_VERSION,
  SECTION_ALIGN,
  SectionField,
  SectionFlag,
  SectionKind,
} from "../../assembly/shared/container.ts";
import { ABI_VERSION } from "../../assembly/shared/plan.ts";
import { EdgepackError } from "../errors.ts";
import { xxh32 } from "./xxh32.ts";

export interface Section {
  readonly kind: number;
  readonly bytes: Uint8Array;
  /** A reader that does not know this kind must refuse the file. */
  readonly required?: boolean;
}

export interface Chunk {
  readonly body: Uint8Array;
  readonly hash: number;
}

const align = (n: number): number => Math.ceil(n / SECTION_ALIGN) * SECTION_ALIGN;

export const invalid = (what: string): EdgepackError => new EdgepackError("EPK_INVALID", `Not a sound .epk: ${what}.`);

/** Header, section table and sections as one file. */
export function writeContainer(sections: readonly Section[]): Uint8Array {
  const table = new Uint8Array(sections.length * SectionField.bytes);
  const entries = new DataView(table.buffer);
  let end = FileField.bytes + table.length;
  const placed = sections.map(({ kind, bytes, required }, i) => {
    const at = i * SectionField.bytes;
    const offset = align(end);
    end = offset + bytes.length;
    entries.setUint16(at + SectionField.kind, kind, true);
    entries.setUint16(at + SectionField.flags, required ? SectionFlag.required : 0, true);
    entries.setUint32(at + SectionField.offset, offset, true);
    entries.setUint32(at + SectionField.length, bytes.length, true);
    entries.setUint32(at + SectionField.hash, kind === SectionKind.chunks ? 0 : xxh32(bytes), true);
    return { offset, bytes };
  });
  const file = new Uint8Array(end);
  const header = new DataView(file.buffer);
  header.setUint32(FileField.magic, MAGIC, true);
  header.setUint16(FileField.format, FORMAT_VERSION, true);
  header.setUint16(FileField.abi, ABI_VERSION, true);
  header.setUint32(FileField.sections, sections.length, true);
  header.setUint32(FileField.length, end, true);
  header.setUint32(FileField.table_hash, xxh32(table), true);
  header.setUint32(FileField.hash, xxh32(file.subarray(0, FileField.hash)), true);
  file.set(table, FileField.bytes);
  for (const { offset, bytes } of placed) file.set(bytes, offset);
  return file;
}

/** Chunk bodies as a section: each with its length and hash before it. */
export function writeChunks(bodies: readonly Uint8Array[]): Uint8Array {
  const section = new Uint8Array(bodies.reduce((n, body) => n + ChunkField.body + body.length, 0));
  const view = new DataView(section.buffer);
  let at = 0;
  for (const body of bodies) {
    view.setUint32(at + ChunkField.length, body.length, true);
    view.setUint32(at + ChunkField.hash, xxh32(body), true);
    section.set(body, at + ChunkField.body);
    at += ChunkField.body + body.length;
  }
  return section;
}

/**
 * The sections of a file, by kind; unknown ones too. Every byte is checked but those of chunks, whose hashes `unpack` checks.
 * Throws EPK_INVALID where the file is damaged, EPK_VERSION where it is sound but made for another runtime.
 */
export function readContainer(file: Uint8Array): Map<number, Uint8Array> {
  if (file.length < FileField.bytes) throw invalid(`it has ${file.length} bytes`);
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const u32 = (at: number) => view.getUint32(at, true);
  const u16 = (at: number) => view.getUint16(at, true);
  if (u32(FileField.magic) !== MAGIC) throw invalid("it begins otherwise; is the path right");
  if (u32(FileField.hash) !== xxh32(file.subarray(0, FileField.hash))) throw invalid("its header is damaged");
  const format = u16(FileField.format);
  const abi = u16(FileField.abi);
  if (format < OLDEST_VERSION || format > FORMAT_VERSION || abi !== ABI_VERSION || u32(FileField.flags) !== 0)
    throw new EdgepackError(
      "EPK_VERSION",
      `This .epk has format ${format}, ABI ${abi}, flags ${u32(FileField.flags)}; this edgepack reads formats ${OLDEST_VERSION} to ${FORMAT_VERSION}, ABI ${ABI_VERSION}. Build it again, or use the edgepack that built it.`,
    );
  if (u32(FileField.length) !== file.length) throw invalid(`it has ${file.length} bytes of ${u32(FileField.length)}`);
  const count = u32(FileField.sections);
  let end = FileField.bytes + count * SectionField.bytes;
  if (u32(FileField.reserved) !== 0 || end > file.length || xxh32(file.subarray(FileField.bytes, end)) !== u32(FileField.table_hash))
    throw invalid("its section table is damaged");
  const sections = new Map<number, Uint8Array>();
  for (let i = 0; i < count; i++) {
    const at = FileField.bytes + i * SectionField.bytes;
    const kind = u16(at + SectionField.kind);
    const offset = u32(at + SectionField.offset);
    const bytes = file.subarray(offset, offset + u32(at + SectionField.length));
    if (offset !== align(end) || bytes.length !== u32(at + SectionField.length) || file.subarray(end, offset).some((b) => b !== 0))
      throw invalid("its sections do not follow each other");
    if ((kind === SectionKind.chunks ? 0 : xxh32(bytes)) !== u32(at + SectionField.hash)) throw invalid(`section ${kind} is damaged`);
    if (u16(at + SectionField.flags) & SectionFlag.required && kind !== SectionKind.meta && kind !== SectionKind.chunks)
      throw new EdgepackError("EPK_VERSION", `This .epk needs section ${kind}: use a newer edgepack.`);
    if (sections.has(kind)) throw invalid(`section ${kind} comes twice`);
    sections.set(kind, bytes);
    end = offset + bytes.length;
  }
  if (end !== file.length) throw invalid("bytes follow its end");
  return sections;
}

/** The chunks of that section, hashes not checked yet. Throws EPK_INVALID where lengths do not fit. */
export function* readChunks(section: Uint8Array): Generator<Chunk> {
  const view = new DataView(section.buffer, section.byteOffset, section.length);
  for (let at = 0; at < section.length; ) {
    const length = at + ChunkField.body > section.length ? CHUNK_BODY + 1 : view.getUint32(at + ChunkField.length, true);
    const body = section.subarray(at + ChunkField.body, at + ChunkField.body + length);
    if (length > CHUNK_BODY || body.length !== length) throw invalid("its weights end early");
    yield { body, hash: view.getUint32(at + ChunkField.hash, true) };
    at += ChunkField.body + length;
  }
}

/** A section that a model cannot do without. */
export function sectionOf(sections: ReadonlyMap<number, Uint8Array>, kind: SectionKind): Uint8Array {
  const bytes = sections.get(kind);
  if (!bytes) throw invalid(`section ${kind} is missing`);
  return bytes;
}
