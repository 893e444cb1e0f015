import {
  BIT_PRECISION,
  CHUNK_PLAIN,
  Context,
  LANES,
  MAX_CLASS_PRECISION,
  MAX_DEPTH,
  MAX_LEVEL,
  MAX_PRECISION,
  MAX_WIDTH,
  MIN_PRECISION,
  Piece,
  RANS_LOW,
  TableKind,
  TableSlot,
} from "../../assembly/shared/container.ts";
import { IMAGE_START } from "../../assembly/shared/plan.ts";
import { EdgepackError } from "../errors.ts";
import { Contexts } from "./contexts.ts";
import { classOf, Means } from "./magnitudes.ts";
import { groupOf, weightsIn } from "./padding.ts";
import { frequenciesOf, LevelModel, scan } from "./table.ts";

/** What one piece of a chunk holds and costs. */
export interface PieceInfo {
  readonly at: number;
  /** Whether it continues the region of the piece before it, of an earlier chunk maybe. */
  readonly continues: boolean;
  readonly kind: Exclude<Piece, Piece.end>;
  /** Elements. */
  readonly count: number;
  /** Bytes before coding: 1 or 4 an element, scales included. */
  readonly plain: number;
  /** Bits of its share of the chunk, tables included. */
  readonly bits: number;
  /** Order-0 entropy of its byte planes in bits. */
  readonly entropy: number;
}

interface CodingTable {
  readonly precision: number;
  readonly symbols: Uint8Array;
  readonly frequencies: Uint32Array;
  readonly starts: Uint32Array;
}

const corrupt = (): never => {
  throw new EdgepackError("EPK_INVALID", "The weights of this .epk are damaged. Fetch or build it again.");
};

/**
 * The decoder as plain TypeScript: what `assembly/unpack` does, byte for byte, and the reference for it. Writes the pieces of a chunk's body
 * into `memory`, nowhere but in [IMAGE_START, end); throws EPK_INVALID where the body is damaged.
 */
export function unpackChunk(body: Uint8Array, memory: Uint8Array, end: number): PieceInfo[] {
  const reader = new ChunkReader(body);
  const pieces: PieceInfo[] = [];
  const view = new DataView(memory.buffer, memory.byteOffset, memory.length);
  let cursor = IMAGE_START;
  let room = CHUNK_PLAIN;
  for (;;) {
    const before = reader.bits;
    const kind = reader.number(Context.piece) as Piece;
    if (kind === Piece.end) break;
    if (kind > Piece.expanded) corrupt();
    const continues = reader.bit(Context.continues);
    const at = cursor + 16 * reader.number(Context.gap);
    const count = reader.number(Context.count) + 1;
    const size = kind === Piece.bytes ? 1 : 4;
    cursor = Math.ceil((at + count * size) / 16) * 16;
    if (at + count * size > end) corrupt();
    room -= kind === Piece.expanded ? count : count * size;
    if (room < 0) corrupt();
    const weights = reader.bit(Context.padded) ? reader.padding(count) : undefined;
    const coded = weights ? weights.reduce((n, weight) => n + weight, 0) : count;
    reader.entropy = 0;
    let scaleBytes = 0;
    if (kind === Piece.bytes) reader.plane(TableSlot.bytes, memory, at, 1, coded);
    else if (kind === Piece.words) reader.planes(TableSlot.words, memory, at, coded);
    else if (kind === Piece.floats) {
      reader.planes(TableSlot.floats, memory, at, coded);
      rotateBack(view, at, coded);
    } else {
      const lanes = reader.number(Context.lanes) + 1;
      const block = lanes * (reader.number(Context.rows) + 1);
      const phase = reader.number(Context.phase);
      if (block >= 2 ** 31 || phase >= block) corrupt();
      const blocks = Math.floor((phase + count - 1) / block) + 1;
      scaleBytes = 4 * lanes * blocks;
      room -= scaleBytes;
      if (room < 0) corrupt();
      const scales = new Uint8Array(scaleBytes);
      const scale = new DataView(scales.buffer);
      reader.planes(TableSlot.scales, scales, 0, lanes * blocks);
      rotateBack(scale, 0, lanes * blocks);
      const integers = new Uint8Array(count);
      reader.plane(TableSlot.bytes, integers, 0, 1, coded);
      if (weights) spread(integers, weights, 1);
      for (let i = 0; i < count; i++) {
        const index = Math.floor((phase + i) / block) * lanes + ((phase + i) % lanes);
        view.setFloat32(at + 4 * i, ((integers[i] << 24) >> 24) * scale.getFloat32(4 * index, true), true);
      }
    }
    if (weights && kind !== Piece.expanded) spread(memory.subarray(at, at + count * size), weights, size);
    const plain = scaleBytes + (kind === Piece.expanded ? count : count * size);
    pieces.push({ at, continues, kind, count, plain, bits: reader.bits - before, entropy: reader.entropy });
  }
  reader.finish();
  return pieces;
}

/** Puts the elements that lie at the beginning where weights are, from the last on, and zeros between them. */
function spread(bytes: Uint8Array, weights: Uint8Array, size: number): void {
  let from = weights.reduce((n, weight) => n + weight, 0) * size;
  for (let i = weights.length - 1; i >= 0; i--) {
    if (weights[i]) from -= size;
    if (weights[i]) bytes.copyWithin(i * size, from, from + size);
    else bytes.fill(0, i * size, (i + 1) * size);
  }
}

function rotateBack(view: DataView, at: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const bits = view.getUint32(at + 4 * i, true);
    view.setUint32(at + 4 * i, (bits >>> 1) | (bits << 31), true);
  }
}

class ChunkReader {
  /** Bits read so far, as the coder's probabilities count them. */
  bits = 0;
  entropy = 0;
  private readonly contexts = Contexts.fresh();
  private readonly states: Float64Array;
  private readonly tables: (CodingTable | number | undefined)[] = new Array(TableSlot.count).fill(undefined);
  private readonly view: DataView;
  private at = 4 * LANES;

  constructor(body: Uint8Array) {
    if (body.length < this.at) corrupt();
    this.view = new DataView(body.buffer, body.byteOffset, body.length);
    this.states = Float64Array.from({ length: LANES }, (_, lane) => this.view.getUint32(4 * lane, true));
    if (this.states.some((x) => x < RANS_LOW)) corrupt();
  }

  /** All is read, and every state is where the encoder began. */
  finish(): void {
    if (this.at !== this.view.byteLength || this.states.some((x) => x !== RANS_LOW)) corrupt();
  }

  private advance(lane: number, start: number, frequency: number, precision: number): void {
    this.bits += precision - Math.log2(frequency);
    let x = this.states[lane];
    x = frequency * Math.floor(x / 2 ** precision) + (x % 2 ** precision) - start;
    if (x < RANS_LOW) {
      if (this.at + 2 > this.view.byteLength) corrupt();
      x = x * 65536 + this.view.getUint16(this.at, true);
      this.at += 2;
    }
    this.states[lane] = x;
  }

  bit(context: number): boolean {
    const ones = this.contexts.ones(context);
    const one = this.states[0] % 2 ** BIT_PRECISION < ones;
    if (one) this.advance(0, 0, ones, BIT_PRECISION);
    else this.advance(0, ones, 2 ** BIT_PRECISION - ones, BIT_PRECISION);
    this.contexts.count(context, one);
    return one;
  }

  raw(bits: number): number {
    const value = this.states[0] % 2 ** bits;
    this.advance(0, value, 1, bits);
    return value;
  }

  number(context: number): number {
    let exponent = 0;
    while (this.bit(context + exponent)) if (++exponent > 30) corrupt();
    const high = exponent > 16 ? this.raw(exponent - 16) * 65536 : 0;
    return 2 ** exponent - 1 + high + (exponent > 0 ? this.raw(Math.min(exponent, 16)) : 0);
  }

  /** Which of `count` elements are there. */
  padding(count: number): Uint8Array {
    const holes = this.number(Context.count) + 1;
    const lanes = this.number(Context.lanes) + 1;
    const inner = this.number(Context.lanes) + 1;
    const n = this.number(Context.rows) + 1;
    const k = this.number(Context.rows) + 1;
    const phase = this.number(Context.phase);
    const layout = { n, k, lanes, inner };
    if (groupOf(layout) >= 2 ** 31 || phase >= groupOf(layout)) corrupt();
    const weights = weightsIn(layout, phase, count);
    if (holes >= count || weights.reduce((n, weight) => n - weight, count) !== holes) corrupt();
    return weights;
  }

  planes(slot: number, out: Uint8Array, at: number, count: number): void {
    for (let p = 0; p < 4; p++) this.plane(slot + p, out, at + p, 4, count);
  }

  plane(slot: number, out: Uint8Array, at: number, stride: number, count: number): void {
    if (!this.bit(Context.reuse + slot)) {
      const kind = this.number(Context.table);
      if (kind === TableKind.magnitudes && slot === TableSlot.bytes) {
        this.classed(out, at, count);
        return;
      }
      this.tables[slot] = this.table(kind);
    }
    const table = this.tables[slot] ?? corrupt();
    if (typeof table === "number") {
      for (let i = 0, to = at; i < count; i++, to += stride) out[to] = table;
      return;
    }
    const counts = new Uint32Array(256);
    const { states, view } = this;
    const { precision, symbols, starts, frequencies } = table;
    const mask = 2 ** precision - 1;
    let word = this.at;
    for (let i = 0, to = at; i < count; i++, to += stride) {
      const state = states[i & (LANES - 1)];
      const slice = state & mask;
      const symbol = symbols[slice];
      let x = frequencies[symbol] * (state >>> precision) + slice - starts[symbol];
      if (x < RANS_LOW) {
        if (word + 2 > view.byteLength) corrupt();
        x = x * 65536 + view.getUint16(word, true);
        word += 2;
      }
      states[i & (LANES - 1)] = x;
      out[to] = symbol;
      counts[symbol]++;
    }
    this.at = word;
    for (let s = 0; s < 256; s++) {
      if (counts[s] === 0) continue;
      this.bits += counts[s] * (precision - Math.log2(frequencies[s]));
      this.entropy += counts[s] * Math.log2(count / counts[s]);
    }
  }

  /** A plane of bytes by tables of magnitudes. */
  private classed(out: Uint8Array, at: number, count: number): void {
    const width = this.number(Context.lanes) + 1;
    const shift = this.raw(2);
    const rows = this.number(Context.rows) + 1;
    const precision = MIN_PRECISION + this.raw(2);
    if (width > MAX_WIDTH || rows * 2 ** shift > MAX_DEPTH || precision > MAX_CLASS_PRECISION) corrupt();
    const rates = [this.raw(3), this.raw(3)] as const;
    const fraction = this.raw(4);
    const means = new Means({ width, shift, rows, rates, fraction, mean: this.raw(16) });
    const classes = this.raw(2);
    const thresholds: number[] = [];
    const tables: CodingTable[] = [];
    for (let c = 0; c <= classes; c++) {
      if (c > 0) thresholds.push(this.raw(16));
      tables.push(this.classTable(precision));
    }
    const counts = new Uint32Array(256);
    for (let i = 0; i < count; i++) {
      const { symbols, frequencies, starts } = tables[classOf(thresholds, means.expected)];
      const symbol = symbols[this.states[i & (LANES - 1)] % 2 ** precision];
      this.advance(i & (LANES - 1), starts[symbol], frequencies[symbol], precision);
      out[at + i] = symbol;
      counts[symbol]++;
      means.next(symbol);
    }
    for (let s = 0; s < 256; s++) if (counts[s] > 0) this.entropy += counts[s] * Math.log2(count / counts[s]);
  }

  /** The table of a class, whose precision must be this; that of one symbol gives it all slots. */
  private classTable(precision: number): CodingTable {
    const table = this.table(this.number(Context.table));
    if (typeof table !== "number") return table.precision === precision ? table : corrupt();
    const frequencies = new Uint32Array(256);
    frequencies[table] = 2 ** precision;
    return codingTable(frequencies, precision);
  }

  /** A table of this kind, or the one symbol there is. */
  private table(kind: number): CodingTable | number {
    if (kind === TableKind.constant) return this.raw(8);
    if (kind === TableKind.uniform) return codingTable(new Uint32Array(256).fill(1), 8);
    if (kind !== TableKind.levels) corrupt();
    const precision = this.number(Context.precision) + MIN_PRECISION;
    const center = this.raw(8);
    const extent = this.number(Context.extent) + 1;
    if (precision > MAX_PRECISION || extent > 256) corrupt();
    const floor = this.bit(Context.floor);
    const levels = new Uint16Array(256);
    const present = new Uint8Array(256);
    const model = new LevelModel();
    let first = true;
    for (let j = 0; j < extent; j++) {
      const symbol = scan(center, j);
      if (!floor && !this.bit(model.present)) {
        model.absent();
        continue;
      }
      present[symbol] = 1;
      levels[symbol] = first ? this.level(this.number(Context.first)) : this.level(model.prediction + this.residual(model, floor ? 0 : 1));
      model.next(levels[symbol], first);
      first = false;
    }
    return codingTable(frequenciesOf(levels, (s) => present[s] === 1, precision) ?? corrupt(), precision);
  }

  private residual(model: LevelModel, least: number): number {
    if (!this.bit(model.differs)) return 0;
    const negative = model.prediction > least && this.bit(Context.negative);
    const magnitude = this.number(Context.magnitude) + 1;
    return negative ? -magnitude : magnitude;
  }

  private level(level: number): number {
    return level >= 0 && level <= MAX_LEVEL ? level : corrupt();
  }
}

function codingTable(frequencies: Uint32Array, precision: number): CodingTable {
  const symbols = new Uint8Array(2 ** precision);
  const starts = new Uint32Array(256);
  for (let s = 0, start = 0; s < 256; start += frequencies[s++]) {
    starts[s] = start;
    symbols.fill(s, start, start + frequencies[s]);
  }
  return { precision, symbols, frequencies, starts };
}
