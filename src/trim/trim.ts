/**
 * Takes the kernels that a plan does not need out of a module, without a compiler: a module exports the kernel of each op under the op's code
 * (scripts/export-kernels.mjs), so what its interpreter may call is known, and what these call is in their code. Bodies of all other functions
 * become a trap, which no plan that `load` accepts can reach.
 */
import { calleesOf } from "./instructions.ts";
import { malformed, Reader, u32 } from "./reader.ts";

enum Section {
  custom = 0,
  import = 2,
  export = 7,
  start = 8,
  element = 9,
  code = 10,
}

interface Export {
  readonly name: string;
  readonly kind: number;
  readonly index: number;
}

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const FUNCTION = 0;
const INTERPRETER = "run";
/** What the host calls, besides kernels, which it only looks for. */
const HOST = new Set(["memory", "abi", "unpack", INTERPRETER]);

/** No locals, `unreachable`, `end`. */
const TRAP = Uint8Array.of(0, 0, 0x0b);

const isOp = ({ name }: Export): boolean => /^\d+$/.test(name);

/**
 * The module with the kernels of `ops` alone. It gives the same results, and exports what the host needs.
 * Throws FILE where the bytes are no module of edgepack, or have no kernel for one of the ops.
 */
export function trimModule(wasm: Uint8Array, ops: ReadonlySet<number>): Uint8Array<ArrayBuffer> {
  const sections = readSections(wasm);
  const exports = readExports(sectionOf(sections, Section.export));
  const bodies = readBodies(sectionOf(sections, Section.code));
  const here = new Set(exports.map(({ name }) => name));
  const missing = [...HOST, ...[...ops].map(String)].filter((name) => !here.has(name));
  if (missing.length > 0) throw malformed(`it does not export ${missing.join(", ")}`);

  const kept = exports.filter((entry) => (isOp(entry) ? ops.has(Number(entry.name)) : HOST.has(entry.name)));
  const live = reachable(kept, bodies);
  const code = bodies.map((body, i) => (live.has(i) ? body : TRAP));
  const written = sections.flatMap(({ id, data }) => {
    if (id === Section.custom) return [];
    if (id === Section.export) return [section(id, [u32(kept.length), ...kept.map(exportBytes)])];
    if (id === Section.code) return [section(id, [u32(code.length), ...code.flatMap((body) => [u32(body.length), body])])];
    return [section(id, [data])];
  });
  return concat([MAGIC, ...written]);
}

/**
 * Functions that the host or a kept kernel may come to. The interpreter's own calls say nothing: it calls every kernel, or where a kernel is a few
 * instructions around a call, what that calls; and both are found from the kernel's export.
 */
function reachable(kept: readonly Export[], bodies: readonly Uint8Array[]): Set<number> {
  const live = new Set(kept.filter(({ kind }) => kind === FUNCTION).map(({ index }) => index));
  const interpreter = kept.find(({ name }) => name === INTERPRETER)!.index;
  for (const index of live) {
    const body = bodies[index];
    if (!body) throw malformed(`it has no function ${index}`);
    if (index !== interpreter) for (const callee of calleesOf(new Reader(body))) live.add(callee);
  }
  return live;
}

interface RawSection {
  readonly id: number;
  readonly data: Uint8Array;
}

function readSections(wasm: Uint8Array): RawSection[] {
  const reader = new Reader(wasm);
  if (MAGIC.some((byte) => reader.byte() !== byte)) throw malformed("it begins otherwise");
  const sections: RawSection[] = [];
  while (!reader.done) sections.push({ id: reader.byte(), data: reader.take(reader.u32()) });
  // Function numbers would be shifted by imports; the others are ways into functions that are not looked at.
  const foreign = sections.find(({ id }) => id === Section.import || id === Section.start || id === Section.element);
  if (foreign) throw malformed(`it has a section ${foreign.id}`);
  return sections;
}

function sectionOf(sections: readonly RawSection[], wanted: Section): Reader {
  const found = sections.filter(({ id }) => id === wanted);
  if (found.length !== 1) throw malformed(`it has ${found.length} sections ${wanted}`);
  return new Reader(found[0].data);
}

function readExports(reader: Reader): Export[] {
  const name = () => new TextDecoder().decode(reader.take(reader.u32()));
  return reader.list(() => ({ name: name(), kind: reader.byte(), index: reader.u32() }));
}

function exportBytes({ name, kind, index }: Export): Uint8Array {
  const text = new TextEncoder().encode(name);
  return concat([u32(text.length), text, [kind], u32(index)]);
}

const readBodies = (reader: Reader): Uint8Array[] => reader.list(() => reader.take(reader.u32()));

type Bytes = ArrayLike<number>;

function section(id: number, parts: readonly Bytes[]): Uint8Array {
  const data = concat(parts);
  return concat([[id], u32(data.length), data]);
}

function concat(parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
