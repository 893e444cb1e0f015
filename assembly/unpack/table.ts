/** Symbol tables: read from the chunk, turned into frequencies, and spread over slots (src/format/table.ts defines the form). */
import { Context, MAX_LEVEL, MAX_PRECISION, MIN_PRECISION, TableField, TableKind, Work } from "../shared/container";
import { bit, damage, isDamaged, number, raw } from "./rans";

/** What `levels` holds for a symbol that never comes. */
const ABSENT: u16 = 0xffff;

/** Reads a table of this kind into the one at `table`. */
export function readTable(work: usize, table: usize, kind: u32): void {
  if (kind === TableKind.constant) {
    store<u32>(table, 1, TableField.precision);
    store<u32>(table, raw(8), TableField.symbol);
    return;
  }
  if (kind === TableKind.uniform) {
    store<u32>(table, 8, TableField.precision);
    for (let s: u32 = 0; s < 256; s++) store<u32>(table + (s << 2), (1 << 16) | s);
    return;
  }
  const precision = number(Context.precision) + MIN_PRECISION;
  const center = raw(8);
  const extent = number(Context.extent) + 1;
  if (kind !== TableKind.levels || precision > <u32>MAX_PRECISION || extent > 256) {
    damage();
    return;
  }
  readLevels(work + Work.levels, center, extent);
  if (isDamaged() || !assignFrequencies(work + Work.levels, table, precision)) damage();
  store<u32>(table, precision, TableField.precision);
}

/** Levels along the scan center, +1, −1, +2, …, each predicted from those before it that are present. */
function readLevels(levels: usize, center: u32, extent: u32): void {
  memory.fill(levels, 0xff, 512);
  const floor = bit(Context.floor);
  const least: i32 = floor ? 0 : 1;
  let mean: i32 = 0;
  let misses: i32 = 0;
  let near: u32 = 0;
  let first = true;
  for (let j: u32 = 0; j < extent; j++) {
    if (!floor && !bit(Context.present + (near & 1) + (near >> 1))) {
      near = (near << 1) & 3;
      continue;
    }
    let level: i32;
    if (first) {
      level = number(Context.first);
      if (<u32>level > <u32>MAX_LEVEL) {
        damage();
        return;
      }
      misses = 0;
      mean = level << 4;
      first = false;
    } else {
      const prediction = (mean + 8) >> 4;
      let residual: i32 = 0;
      if (bit(Context.differs + min(misses, 2))) {
        const negative = prediction > least && bit(Context.negative);
        residual = number(Context.magnitude) + 1;
        if (negative) residual = -residual;
      }
      level = prediction + residual;
      if (<u32>level > <u32>MAX_LEVEL) {
        damage();
        return;
      }
      misses = abs(residual);
      mean = misses > 2 + (prediction >> 2) ? level << 4 : (mean + (level << 4)) >> 1;
    }
    near = ((near << 1) & 3) | 1;
    const symbol = (j & 1 ? center + ((j + 1) >> 1) : center - (j >> 1)) & 255;
    store<u16>(levels + (symbol << 1), level);
  }
}

/** Frequencies that add up to 2^precision; false where the heaviest symbol cannot make up for the rounding of the others, or is alone. */
function assignFrequencies(levels: usize, table: usize, precision: u32): bool {
  let total: u32 = 0;
  let most: u32 = 0;
  let top: u32 = 0;
  for (let s: u32 = 0; s < 256; s++) {
    const level = <u32>load<u16>(levels + (s << 1));
    if (level === ABSENT) continue;
    total += level * level;
    if (level > most) {
      most = level;
      top = s;
    }
  }
  if (total === 0) return false;
  let left: i32 = 1 << precision;
  for (let s: u32 = 0; s < 256; s++) {
    const level = <u64>load<u16>(levels + (s << 1));
    let frequency: u32 = 0;
    if (level !== ABSENT) frequency = max<u32>(1, <u32>(((level * level) << precision) / total));
    store<u32>(table + (s << 2), frequency);
    left -= frequency;
  }
  const heaviest = <i32>load<u32>(table + (top << 2)) + left;
  if (heaviest < 1 || heaviest >= 1 << precision) return false;
  store<u32>(table + (top << 2), heaviest);
  let start: u32 = 0;
  for (let s: u32 = 0; s < 256; s++) {
    const frequency = load<u32>(table + (s << 2));
    // Behind the last symbol that comes, start is 2^precision: 17 bits at the highest.
    store<u32>(table + (s << 2), (frequency << 16) | (start & 0xffff));
    start += frequency;
  }
  return true;
}

/** Fills the slots with the symbols that own them. */
export function fillSlots(slots: usize, table: usize): void {
  for (let s: u32 = 0; s < 256; s++) {
    const entry = load<u32>(table + (s << 2));
    memory.fill(slots + (entry & 0xffff), <u8>s, entry >> 16);
  }
}
