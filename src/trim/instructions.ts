/** What a function's code refers to. Instructions are only skipped, by a table of what follows their codes (WebAssembly 2.0, section 5.4). */
import { malformed, type Reader } from "./reader.ts";

/** Codes `first` to `last`: numbers in LEB128 that follow, then bytes. */
type Row = readonly [first: number, last: number, numbers: number, bytes: number];

const CALL = 0x10;
const BR_TABLE = 0x0e;
const SELECT_TYPED = 0x1c;
const REF_FUNC = 0xd2;

const PLAIN: readonly Row[] = [
  [0x00, 0x01, 0, 0], // unreachable, nop
  [0x02, 0x04, 1, 0], // block, loop, if: a type
  [0x05, 0x05, 0, 0], // else
  [0x0b, 0x0b, 0, 0], // end
  [0x0c, 0x0d, 1, 0], // br, br_if
  [0x0f, 0x0f, 0, 0], // return
  [0x11, 0x11, 2, 0], // call_indirect
  [0x1a, 0x1b, 0, 0], // drop, select
  [0x20, 0x26, 1, 0], // local, global, table
  [0x28, 0x3e, 2, 0], // loads and stores
  [0x3f, 0x42, 1, 0], // memory.size, memory.grow, i32.const, i64.const
  [0x43, 0x43, 0, 4], // f32.const
  [0x44, 0x44, 0, 8], // f64.const
  [0x45, 0xc4, 0, 0], // arithmetic
  [0xd0, 0xd0, 1, 0], // ref.null
  [0xd1, 0xd1, 0, 0], // ref.is_null
];

/** Rows of the codes behind a prefix: saturating conversions and bulk memory; SIMD, relaxed SIMD from 0x100 on. */
const PREFIXED: Readonly<Record<number, readonly Row[]>> = {
  252: [
    [0, 7, 0, 0],
    [8, 8, 2, 0],
    [9, 9, 1, 0],
    [10, 10, 2, 0],
    [11, 11, 1, 0],
    [12, 12, 2, 0],
    [13, 13, 1, 0],
    [14, 14, 2, 0],
    [15, 17, 1, 0],
  ],
  253: [
    [0x00, 0x0b, 2, 0], // loads, store
    [0x0c, 0x0d, 0, 16], // v128.const, shuffle
    [0x0e, 0x14, 0, 0],
    [0x15, 0x22, 0, 1], // lanes
    [0x23, 0x53, 0, 0],
    [0x54, 0x5b, 2, 1], // loads and stores of a lane
    [0x5c, 0x5d, 2, 0],
    [0x5e, 0x113, 0, 0],
  ],
};

/** Reads a function's body (its locals and code) to its end, and gives the functions that it calls or refers to. */
export function calleesOf(body: Reader): Set<number> {
  const callees = new Set<number>();
  body.list(() => [body.u32(), body.skipNumber()]);
  while (!body.done) {
    const code = body.byte();
    if (code === CALL || code === REF_FUNC) callees.add(body.u32());
    else if (code === BR_TABLE) body.list(() => body.u32()).push(body.u32());
    else if (code === SELECT_TYPED) body.list(() => body.skipNumber());
    else if (PREFIXED[code]) skip(body, PREFIXED[code], body.u32());
    else skip(body, PLAIN, code);
  }
  return callees;
}

function skip(body: Reader, rows: readonly Row[], code: number): void {
  const row = rows.find(([first, last]) => first <= code && code <= last);
  if (!row) throw malformed(`instruction 0x${code.toString(16)} is not known`);
  for (let left = row[2]; left > 0; left--) body.skipNumber();
  body.take(row[3]);
}
