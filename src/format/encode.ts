import { CHUNK_PLAIN, Context, Piece, TableKind, TableSlot } from "../../assembly/shared/container.ts";
import { IMAGE_START } from "../../assembly/shared/plan.ts";
import { type Choice, chooseTable, entropyOf } from "./choose.ts";
import type { Coding, Panels, Region } from "./image.ts";
import { chooseMagnitudes, classesOf, classRanges, type Magnitudes, putMagnitudes, type Rates, type Rows, rowsOf } from "./magnitudes.ts";
import { groupOf, weightsIn } from "./padding.ts";
import { putNumber, RansEncoder } from "./sink.ts";
import { putTable, rangesOf } from "./table.ts";

/** What tables of magnitudes a writer tries, and the share of a plane's bits that they have to save: they are read at a third of the speed. */
const EFFORTS: Readonly<Record<Coding, { readonly rates: readonly Rates[]; readonly saving: number }>> = {
  fast: { rates: [], saving: 1 },
  balanced: {
    rates: [
      [5, 5],
      [5, 7],
      [2, 7],
      [7, 2],
    ],
    saving: 0.01,
  },
  smallest: {
    rates: [
      [5, 5],
      [4, 5],
      [5, 7],
      [7, 5],
      [2, 2],
      [2, 7],
      [7, 2],
      [1, 7],
    ],
    saving: 0,
  },
};

type Expand = NonNullable<Region["expand"]>;

/** A part of a region that lies in one chunk. */
interface Span {
  readonly at: number;
  readonly kind: Exclude<Piece, Piece.end>;
  readonly data: Region["data"];
  /** Whether the region began in a span before. */
  readonly continues: boolean;
  /** For `expanded`: scales of the blocks that the span touches, and how far into the first of them it begins. */
  readonly grid?: Expand & { readonly phase: number };
  /** Where some of the data are padding: which are not, and how far into a group the span begins. */
  readonly padding?: Panels & { readonly weights: Uint8Array; readonly holes: number; readonly phase: number };
  /** Where the data are weights in panels. */
  readonly rows?: Rows;
}

/** Bytes that pieces cost in any case, counted so that a chunk of many tiny ones stays within its bound. */
const PIECE_OVERHEAD = 16;

/** Cuts regions into chunks of spans, and codes each: the bodies, in order of address. */
export function encodeChunks(regions: readonly Region[], coding: Coding = "balanced"): Uint8Array[] {
  const chunks: Span[][] = [];
  let room = 0;
  for (const region of inOrder(regions)) {
    for (const span of spansOf(region)) {
      const size = fillOf(span) + PIECE_OVERHEAD;
      if (size > room) {
        chunks.push([]);
        room = CHUNK_PLAIN + PIECE_OVERHEAD;
      }
      chunks[chunks.length - 1].push(span);
      room -= size;
    }
  }
  return chunks.map((spans) => encodeChunk(spans, coding));
}

/**
 * What a span takes of a chunk: its plain bytes, twice where it is in planes of 32-bit numbers. These hardly shrink, and the memory in which a reader
 * unpacks grows with a chunk's body.
 */
function fillOf({ kind, data, grid }: Span): number {
  if (kind === Piece.floats || kind === Piece.words) return 2 * data.byteLength;
  return data.byteLength + (grid ? grid.scale.byteLength : 0);
}

function kindOf({ data, expand }: Region): Span["kind"] {
  if (expand) return Piece.expanded;
  return data instanceof Float32Array ? Piece.floats : data instanceof Int32Array ? Piece.words : Piece.bytes;
}

/** Equal parts of a region, the fewest that fit a chunk each. */
function* spansOf(region: Region): Generator<Span> {
  const { at, data, expand, panels } = region;
  if (expand && (expand.lanes * 4 > CHUNK_PLAIN / 4 || expand.block < 4)) {
    yield* spansOf({ at, data: Float32Array.from(data, (q, i) => q * expand.scale[scaleIndex(expand, i)]) });
    return;
  }
  for (let parts = Math.max(1, Math.ceil(data.byteLength / CHUNK_PLAIN)); ; parts++) {
    const row = panels && (panels.lanes * panels.inner) % 16 === 0 ? panels.lanes * panels.inner : 16;
    const step = Math.ceil(data.length / parts / row) * row;
    const spans: Span[] = [];
    for (let from = 0; from < data.length; from += step) {
      const part = data.subarray(from, from + step);
      const kind = kindOf(region);
      const grid = expand && gridOf(expand, from, part.length);
      spans.push({
        at: at + from * (expand ? 4 : data.BYTES_PER_ELEMENT),
        kind,
        data: part,
        continues: from > 0,
        grid,
        padding: panels && paddingOf(panels, from, part),
        rows: panels && rowsOf(panels),
      });
    }
    if (spans.every((span) => fillOf(span) <= CHUNK_PLAIN)) return yield* spans;
  }
}

const scaleIndex = ({ lanes, block }: Expand, i: number): number => Math.floor(i / block) * lanes + (i % lanes);

function gridOf({ scale, lanes, block }: Expand, from: number, count: number): Span["grid"] {
  const first = Math.floor(from / block);
  const last = Math.floor((from + count - 1) / block);
  return { scale: scale.subarray(first * lanes, (last + 1) * lanes), lanes, block, phase: from % block };
}

/** Throws RangeError where padding is not zero. */
function paddingOf(panels: Panels, from: number, data: Region["data"]): Span["padding"] {
  if (panels.n % panels.lanes === 0 && panels.k % panels.inner === 0) return undefined;
  const weights = weightsIn(panels, from, data.length);
  let holes = 0;
  for (let i = 0; i < data.length; i++) {
    if (weights[i]) continue;
    if (data[i] !== 0) throw new RangeError(`padding at element ${from + i} is ${data[i]}`);
    holes++;
  }
  return holes > 0 && holes < data.length ? { ...panels, weights, holes, phase: from % groupOf(panels) } : undefined;
}

/** Regions in order of address; throws RangeError where they are not as `Region` says. */
function inOrder(regions: readonly Region[]): Region[] {
  const sorted = [...regions].sort((a, b) => a.at - b.at);
  let end = IMAGE_START;
  for (const { at, data, expand } of sorted) {
    const { length } = data;
    if (at % 16 || at < end || length === 0) throw new RangeError(`region of ${length} elements at ${at}, where ${end} is free`);
    if (expand && (expand.block % expand.lanes || expand.scale.length < Math.ceil(length / expand.block) * expand.lanes))
      throw new RangeError(`${expand.scale.length} scales for ${length} elements in blocks of ${expand.block} and ${expand.lanes} lanes`);
    end = at + length * (expand ? 4 : data.BYTES_PER_ELEMENT);
  }
  return sorted;
}

/** One byte of each element of a span, and the table it is coded with. */
interface Plane {
  readonly slot: number;
  readonly symbols: Uint8Array;
  readonly rows?: Rows;
  /** Its own tables, in place of a group's. */
  magnitudes?: Magnitudes;
  table?: Group;
}

/** Planes of one slot that follow each other and share a table. */
interface Group {
  counts: Uint32Array;
  choice: Choice;
  written: boolean;
}

function planesOf(span: Span): Plane[] {
  const data = span.padding ? span.data.filter((_, i) => span.padding!.weights[i] === 1) : span.data;
  const floats = (data: Region["data"], slot: number) => bytePlanes(rotated(data), slot);
  switch (span.kind) {
    case Piece.bytes:
      return bytePlanes(data, TableSlot.bytes).map((plane) => ({ ...plane, rows: span.rows }));
    case Piece.words:
      return bytePlanes(data, TableSlot.words);
    case Piece.floats:
      return floats(data, TableSlot.floats);
    case Piece.expanded:
      return [
        ...floats(span.grid!.scale, TableSlot.scales),
        ...bytePlanes(data, TableSlot.bytes).map((plane) => ({ ...plane, rows: span.rows })),
      ];
  }
}

/** Bits of f32, rotated left by one. */
function rotated(data: Region["data"]): Uint32Array {
  const bits = new Uint32Array(data.slice().buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = (bits[i] << 1) | (bits[i] >>> 31);
  return bits;
}

function bytePlanes(data: Region["data"] | Uint32Array, slot: number): Plane[] {
  const size = data.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: size }, (_, p) => {
    const symbols = new Uint8Array(data.length);
    for (let i = 0, at = p; i < symbols.length; i++, at += size) symbols[i] = bytes[at];
    return { slot: slot + p, symbols };
  });
}

/** Gives each plane its tables: those of magnitudes where they save enough, else that of the plane before it in its slot, where one table for both costs less than two. */
function assignTables(planes: readonly Plane[], coding: Coding): void {
  const { rates, saving } = EFFORTS[coding];
  const current = new Map<number, Group>();
  for (const plane of planes) {
    const counts = new Uint32Array(256);
    for (let i = 0; i < plane.symbols.length; i++) counts[plane.symbols[i]]++;
    const group = current.get(plane.slot);
    const own: Group = { counts, choice: chooseTable(counts, group?.choice.recipe), written: false };
    plane.magnitudes = plane.rows && chooseMagnitudes(plane.symbols, plane.rows, rates, own.choice.cost * (1 - saving));
    if (plane.magnitudes) continue;
    const joint = group && join(group, own);
    if (joint) Object.assign(group, joint);
    else current.set(plane.slot, own);
    plane.table = current.get(plane.slot);
  }
}

/** The table of two groups together, where it costs less than theirs. */
function join(a: Group, b: Group): Pick<Group, "counts" | "choice"> | undefined {
  const limit = a.choice.cost + b.choice.cost;
  const counts = a.counts.map((n, s) => n + b.counts[s]);
  if (entropyOf(counts) > limit) return undefined;
  const choice = chooseTable(counts, a.choice.recipe);
  return choice.cost <= limit ? { counts, choice } : undefined;
}

function encodeChunk(spans: readonly Span[], coding: Coding): Uint8Array {
  const encoder = new RansEncoder();
  const coded = spans.map((span) => ({ span, planes: planesOf(span) }));
  assignTables(
    coded.flatMap(({ planes }) => planes),
    coding,
  );
  let cursor = IMAGE_START;
  for (const { span, planes } of coded) {
    putNumber(encoder, Context.piece, span.kind);
    encoder.bit(Context.continues, span.continues);
    putNumber(encoder, Context.gap, (span.at - cursor) / 16);
    putNumber(encoder, Context.count, span.data.length - 1);
    encoder.bit(Context.padded, span.padding !== undefined);
    if (span.padding) {
      const { holes, lanes, inner, n, k, phase } = span.padding;
      putNumber(encoder, Context.count, holes - 1);
      putNumber(encoder, Context.lanes, lanes - 1);
      putNumber(encoder, Context.lanes, inner - 1);
      putNumber(encoder, Context.rows, n - 1);
      putNumber(encoder, Context.rows, k - 1);
      putNumber(encoder, Context.phase, phase);
    }
    if (span.grid) {
      putNumber(encoder, Context.lanes, span.grid.lanes - 1);
      putNumber(encoder, Context.rows, span.grid.block / span.grid.lanes - 1);
      putNumber(encoder, Context.phase, span.grid.phase);
    }
    for (const plane of planes) encodePlane(encoder, plane);
    cursor = align16(span.at + span.data.length * (span.kind === Piece.bytes ? 1 : 4));
  }
  putNumber(encoder, Context.piece, Piece.end);
  return encoder.finish();
}

const align16 = (n: number): number => Math.ceil(n / 16) * 16;

function encodePlane(encoder: RansEncoder, { slot, symbols, magnitudes, table }: Plane): void {
  if (magnitudes) {
    encoder.bit(Context.reuse + slot, false);
    putMagnitudes(encoder, magnitudes);
    const ranges = magnitudes.tables.map((table) => classRanges(table, magnitudes.precision));
    encoder.symbols(symbols, ranges, classesOf(symbols, magnitudes));
    return;
  }
  const { written, choice } = table!;
  encoder.bit(Context.reuse + slot, written);
  if (!written) putTable(encoder, choice.table);
  table!.written = true;
  if (choice.table.kind !== TableKind.constant) encoder.symbols(symbols, [rangesOf(choice.table)]);
}
