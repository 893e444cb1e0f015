/** Chunks of a `.epk`: checks one and writes its pieces where the model wants them (docs/format.md). */
import { CHUNK_BODY, CHUNK_PLAIN, Context, Piece, Status, TableField, TableKind, TableSlot, Work } from "../shared/container";
import { IMAGE_START } from "../shared/plan";
import { readClassed } from "./magnitudes";
import { readPadding, spread } from "./padding";
import { bit, damage, isComplete, isDamaged, number, open, release, reserve, symbols } from "./rans";
import { fillSlots, readTable } from "./table";
import { xxh32 } from "./xxh32";

const BLOCK_LIMIT: u64 = 0x80000000;

/**
 * Unpacks the chunk whose body of `length` bytes lies at `image + Work.chunk`. `image`, a multiple of 16, is the end of the image and the start of
 * a workspace of at most Work.bytes, up to which memory grows where it ends before. Writes nothing but the workspace and [IMAGE_START, image), whatever
 * the body holds; gives a Status.
 */
export function unpack(image: usize, length: u32, hash: u32): Status {
  if (length > <u32>CHUNK_BODY || xxh32(image + Work.chunk, length) !== hash) return Status.hash;
  open(image, length);
  for (let slot: u32 = 0; slot < <u32>TableSlot.count; slot++) store<u32>(tableOf(image, slot), 0, TableField.precision);
  let cursor: usize = IMAGE_START;
  let room: u32 = CHUNK_PLAIN;
  for (;;) {
    const kind = number(Context.piece);
    if (kind === Piece.end || isDamaged()) break;
    bit(Context.continues);
    const gap = number(Context.gap);
    const count = number(Context.count) + 1;
    const shift: u32 = kind === Piece.bytes ? 0 : 2;
    const plain = kind === Piece.expanded ? count : count << shift;
    if (kind > <u32>Piece.expanded || count > <u32>CHUNK_PLAIN || plain > room || gap >= (<u32>1) << 27) return Status.corrupt;
    const to = <u64>cursor + ((<u64>gap) << 4);
    if (to + (count << shift) > image) return Status.corrupt;
    const dst = <usize>to;
    room -= plain;
    cursor = (dst + (count << shift) + 15) & ~15;
    const coded = bit(Context.padded) ? readPadding(count) : count;
    if (isDamaged()) break;
    if (kind === Piece.expanded) {
      room -= readExpanded(image, dst, count, coded, room);
      continue;
    }
    const from = dst + ((count - coded) << shift);
    if (kind === Piece.bytes) readPlane(image, TableSlot.bytes, from, 1, coded);
    else if (kind === Piece.words) readPlanes(image, TableSlot.words, from, coded);
    else readFloats(image, TableSlot.floats, from, coded);
    spread(dst, count, coded, shift);
    if (isDamaged()) break;
  }
  return isComplete() ? Status.ok : Status.corrupt;
}

function tableOf(work: usize, slot: u32): usize {
  return work + Work.tables + slot * TableField.bytes;
}

function readPlane(work: usize, slot: u32, dst: usize, stride: u32, count: u32): void {
  const table = tableOf(work, slot);
  if (!bit(Context.reuse + slot)) {
    const kind = number(Context.table);
    if (kind === TableKind.magnitudes && slot === TableSlot.bytes && !isDamaged()) {
      readClassed(work, dst, count);
      return;
    }
    readTable(work, table, kind);
  }
  const precision = load<u32>(table, TableField.precision);
  if (precision === 0) damage();
  if (isDamaged()) return;
  if (precision > 1) {
    const slots = reserve(1 << precision);
    if (isDamaged()) return;
    fillSlots(slots, table);
    symbols(table, slots, dst, stride, count);
    release(slots);
    return;
  }
  const symbol = load<u8>(table, TableField.symbol);
  for (const stop = dst + count * stride; dst < stop; dst += stride) store<u8>(dst, symbol);
}

function readPlanes(work: usize, slot: u32, dst: usize, count: u32): void {
  for (let p: u32 = 0; p < 4; p++) readPlane(work, slot + p, dst + p, 4, count);
}

function readFloats(work: usize, slot: u32, dst: usize, count: u32): void {
  readPlanes(work, slot, dst, count);
  for (const stop = dst + (count << 2); dst < stop; dst += 4) store<u32>(dst, rotr<u32>(load<u32>(dst), 1));
}

/**
 * Scales, then integers into the last quarter of the destination; from there they are multiplied out, front to back, which never
 * overtakes what is yet to be read. Gives the bytes of scales.
 */
function readExpanded(work: usize, dst: usize, count: u32, coded: u32, room: u32): u32 {
  const lanes = number(Context.lanes) + 1;
  const rows = number(Context.rows) + 1;
  const phase = number(Context.phase);
  const block = <u64>lanes * rows;
  if (lanes > room >> 2 || block >= BLOCK_LIMIT || phase >= block) {
    damage();
    return 0;
  }
  const blocks = (<u64>phase + count - 1) / block + 1;
  if (blocks * lanes > room >> 2) {
    damage();
    return 0;
  }
  const scales = <u32>(blocks * lanes);
  const first = reserve(scales << 2);
  if (isDamaged()) return 0;
  readFloats(work, TableSlot.scales, first, scales);
  const integers = dst + 3 * count;
  readPlane(work, TableSlot.bytes, integers + (count - coded), 1, coded);
  spread(integers, count, coded, 0);
  if (isDamaged()) return 0;
  let at = first;
  let lane = phase % lanes;
  at += (<u32>(phase / block) * lanes) << 2;
  let left = <u32>(block - phase);
  for (let i: u32 = 0; i < count; i++) {
    store<f32>(dst + (i << 2), <f32>load<i8>(integers + i) * load<f32>(at + (lane << 2)));
    if (++lane === lanes) lane = 0;
    if (--left === 0) {
      left = <u32>block;
      at += lanes << 2;
    }
  }
  release(first);
  return scales << 2;
}
