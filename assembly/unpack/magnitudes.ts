/** Planes whose tables depend on how large the symbols before were at the same k and of the same output (src/format/magnitudes.ts). */
import {
  CLASSES,
  Context,
  MAX_CLASS_PRECISION,
  MAX_DEPTH,
  MAX_WIDTH,
  MagnitudeField,
  MIN_PRECISION,
  TableField,
} from "../shared/container";
import { classed, damage, isDamaged, number, raw, release, reserve, turnBack } from "./rans";
import { fillSlots, readTable } from "./table";

/** Above all sums of two means. */
const NEVER: u32 = 0x20000;

/** Reads the tables and `count` symbols to dst on, whose kind of table has been read. */
export function readClassed(work: usize, dst: usize, count: u32): void {
  const width = number(Context.lanes) + 1;
  const shift = raw(2);
  const rows = number(Context.rows) + 1;
  const depths = (<u64>rows) << shift;
  const precision = raw(2) + MIN_PRECISION;
  if (width > <u32>MAX_WIDTH || depths > <u64>MAX_DEPTH || precision > <u32>MAX_CLASS_PRECISION) {
    damage();
    return;
  }
  const model = reserve(MagnitudeField.bytes + (CLASSES << precision));
  if (isDamaged()) return;
  store<u32>(model, precision, MagnitudeField.precision);
  store<u32>(model, (1 << shift) - 1, MagnitudeField.inner);
  store<u32>(model, raw(3), MagnitudeField.depth_rate);
  store<u32>(model, raw(3), MagnitudeField.column_rate);
  store<u32>(model, raw(4), MagnitudeField.fraction);
  const mean = raw(16);
  for (let i: u32 = 0; i < width; i++) store<u16>(model + (i << 1), mean, MagnitudeField.columns);
  for (let i: u32 = 0; i < <u32>depths; i++) store<u16>(model + (i << 1), mean, MagnitudeField.depths);
  readTables(work, model, precision);
  const first = model + MagnitudeField.depths;
  const end = first + ((<u32>depths) << 1);
  let depth = first;
  for (let left = count; left > 0 && !isDamaged(); ) {
    const n = min<u32>(left, width);
    classed(model, depth, dst, n);
    dst += n;
    left -= n;
    depth += 2 << shift;
    if (depth === end) depth = first;
  }
  turnBack(count);
  release(model);
}

/** Lower ends of all classes but the first, and a table for each; classes that are not there begin above all means. */
function readTables(work: usize, model: usize, precision: u32): void {
  const classes = raw(2);
  for (let c: u32 = 0; c < <u32>CLASSES; c++) {
    if (c > 0) store<u32>(model + ((c - 1) << 2), c <= classes ? raw(16) : NEVER, MagnitudeField.thresholds);
    if (c > classes) continue;
    const table = model + MagnitudeField.tables + (c << MagnitudeField.table_shift);
    readTable(work, table, number(Context.table));
    if (isDamaged()) return;
    const own = load<u32>(table, TableField.precision);
    if (own === 1) {
      const symbol = <u32>load<u8>(table, TableField.symbol);
      memory.fill(table, 0, 1024);
      store<u32>(table + (symbol << 2), 1 << (precision + 16));
    } else if (own !== precision) {
      damage();
      return;
    }
    fillSlots(model + MagnitudeField.bytes + (c << precision), table);
  }
}
