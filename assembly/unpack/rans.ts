/**
 * The entropy decoder: rANS with four interleaved 32-bit states, 16 bits a renormalisation (src/format/sink.ts has the encoder).
 * Its globals are the position in the body and the four states; damage is noted in `damaged` and reading goes on harmlessly, since every
 * loop is bounded and a read goes at most a burst past the body's end, which is margin.
 */
import { BIT_PRECISION, BURST, Context, MagnitudeField, RANS_LOW, TableField, Work } from "../shared/container";

const LOW: u32 = RANS_LOW;
const BIT_MASK: u32 = (1 << BIT_PRECISION) - 1;

let pos: usize = 0;
let end: usize = 0;
let work: usize = 0;
let x0: u32 = 0;
let x1: u32 = 0;
let x2: u32 = 0;
let x3: u32 = 0;
let damaged: bool = false;

/** The first byte of the workspace that nothing uses. */
let free: usize = 0;

/** Begins to read the body of `length` bytes at `workspace + Work.chunk`. */
export function open(workspace: usize, length: u32): void {
  work = workspace;
  const body = workspace + Work.chunk;
  x0 = load<u32>(body, 0);
  x1 = load<u32>(body, 4);
  x2 = load<u32>(body, 8);
  x3 = load<u32>(body, 12);
  pos = body + 16;
  end = body + length;
  free = end;
  damaged = length < 16 || min(min(x0, x1), min(x2, x3)) < LOW;
  reserve(BURST << 1);
  memory.fill(workspace + Work.contexts, 0, Context.total << 2);
}

/** So many bytes of the workspace, to be kept until `release`; memory grows where it does not reach. Where it cannot, that counts as damage. */
export function reserve(bytes: u32): usize {
  const at = free;
  free = (at + bytes + 63) & ~63;
  const pages = <i32>((free + 0xffff) >>> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) damaged = true;
  return at;
}

/** Gives back what was reserved from `at` on. */
export function release(at: usize): void {
  free = at;
}

export function damage(): void {
  damaged = true;
}

export function isDamaged(): bool {
  return damaged || pos > end;
}

/** Whether all was read and every state is where the encoder began. */
export function isComplete(): bool {
  return !damaged && pos === end && x0 === LOW && x1 === LOW && x2 === LOW && x3 === LOW;
}

function advance(start: u32, frequency: u32, precision: u32): void {
  let x = frequency * (x0 >> precision) + (x0 & ((1 << precision) - 1)) - start;
  if (x < LOW) {
    if (pos >= end) {
      damaged = true;
      return;
    }
    x = (x << 16) | load<u16>(pos);
    pos += 2;
  }
  x0 = x;
}

/** A bit with the adaptive probability of `context`: (2·ones + 1) / (2·seen + 2), as src/format/contexts.ts counts. */
export function bit(context: u32): bool {
  const at = work + Work.contexts + (context << 2);
  const zeros: u32 = load<u16>(at, 0);
  const ones: u32 = load<u16>(at, 2);
  const p: u32 = ((2 * ones + 1) << (BIT_PRECISION - 1)) / (zeros + ones + 1);
  const one = (x0 & BIT_MASK) < p;
  if (one) advance(0, p, BIT_PRECISION);
  else advance(p, (1 << BIT_PRECISION) - p, BIT_PRECISION);
  const halve: u32 = zeros + ones + 1 < 255 ? 0 : 1;
  store<u16>(at, (zeros + (one ? 0 : 1)) >> halve, 0);
  store<u16>(at, (ones + (one ? 1 : 0)) >> halve, 2);
  return one;
}

export function raw(bits: u32): u32 {
  const value = x0 & ((1 << bits) - 1);
  advance(value, 1, bits);
  return value;
}

/** A number below 2³¹: Elias gamma code of n + 1 with an adaptive exponent. */
export function number(context: u32): u32 {
  let exponent: u32 = 0;
  while (bit(context + exponent)) {
    if (++exponent > 30) {
      damaged = true;
      return 0;
    }
  }
  const high = exponent > 16 ? raw(exponent - 16) << 16 : 0;
  return ((<u32>1) << exponent) - 1 + high + (exponent > 0 ? raw(min<u32>(exponent, 16)) : 0);
}

/** Decodes `count` symbols by the table at `table` and its slots to dst, dst + stride, … */
export function symbols(table: usize, slots: usize, dst: usize, stride: u32, count: u32): void {
  const precision = load<u32>(table, TableField.precision);
  while (count > 0 && !isDamaged()) {
    const n = min<u32>(count, BURST);
    burst(table, slots, precision, dst, stride, n);
    dst += n * stride;
    count -= n;
  }
  if (pos > end) damaged = true;
}

/**
 * Up to BURST symbols; exported, so that it stays a function of its own and V8 replaces it by optimised code between two calls.
 * A symbol's entry is frequency << 16 | start; a state always reads the next word and drops it where it needs none: no branch to mispredict.
 */
export function burst(table: usize, slots: usize, precision: u32, dst: usize, stride: u32, count: u32): void {
  let a = x0;
  let b = x1;
  let c = x2;
  let d = x3;
  let p = pos;
  const mask: u32 = (1 << precision) - 1;
  const stop = dst + (count & ~3) * stride;
  while (dst < stop) {
    const sa = <u32>load<u8>(slots + (a & mask));
    const sb = <u32>load<u8>(slots + (b & mask));
    const sc = <u32>load<u8>(slots + (c & mask));
    const sd = <u32>load<u8>(slots + (d & mask));
    const ea = load<u32>(table + (sa << 2));
    const eb = load<u32>(table + (sb << 2));
    const ec = load<u32>(table + (sc << 2));
    const ed = load<u32>(table + (sd << 2));
    store<u8>(dst, sa);
    dst += stride;
    store<u8>(dst, sb);
    dst += stride;
    store<u8>(dst, sc);
    dst += stride;
    store<u8>(dst, sd);
    dst += stride;
    a = (ea >> 16) * (a >> precision) + (a & mask) - (ea & 0xffff);
    b = (eb >> 16) * (b >> precision) + (b & mask) - (eb & 0xffff);
    c = (ec >> 16) * (c >> precision) + (c & mask) - (ec & 0xffff);
    d = (ed >> 16) * (d >> precision) + (d & mask) - (ed & 0xffff);
    const na = <u32>(a < LOW);
    a = select<u32>((a << 16) | load<u16>(p), a, na);
    p += na << 1;
    const nb = <u32>(b < LOW);
    b = select<u32>((b << 16) | load<u16>(p), b, nb);
    p += nb << 1;
    const nc = <u32>(c < LOW);
    c = select<u32>((c << 16) | load<u16>(p), c, nc);
    p += nc << 1;
    const nd = <u32>(d < LOW);
    d = select<u32>((d << 16) | load<u16>(p), d, nd);
    p += nd << 1;
  }
  for (let lane: u32 = 0; lane < 4 && count & 3; lane++) {
    if (lane < (count & 3)) {
      const s = <u32>load<u8>(slots + (a & mask));
      const e = load<u32>(table + (s << 2));
      store<u8>(dst, s);
      dst += stride;
      a = (e >> 16) * (a >> precision) + (a & mask) - (e & 0xffff);
      const more = <u32>(a < LOW);
      a = select<u32>((a << 16) | load<u16>(p), a, more);
      p += more << 1;
    }
    const turned = a;
    a = b;
    b = c;
    c = d;
    d = turned;
  }
  x0 = a;
  x1 = b;
  x2 = c;
  x3 = d;
  pos = p;
}

/** Decodes one row of at most MAX_WIDTH symbols by the table of magnitudes at `model`; `depth` is where the means of its elements of k lie. */
export function classed(model: usize, depth: usize, dst: usize, count: u32): void {
  let a = x0;
  let b = x1;
  let c = x2;
  let d = x3;
  let p = pos;
  const precision = load<u32>(model, MagnitudeField.precision);
  const depthRate = load<i32>(model, MagnitudeField.depth_rate);
  const columnRate = load<i32>(model, MagnitudeField.column_rate);
  const fraction = load<i32>(model, MagnitudeField.fraction);
  const inner = load<u32>(model, MagnitudeField.inner);
  const first = load<u32>(model, MagnitudeField.thresholds);
  const second = load<u32>(model, MagnitudeField.thresholds + 4);
  const third = load<u32>(model, MagnitudeField.thresholds + 8);
  const slots = model + MagnitudeField.bytes;
  const mask: u32 = (1 << precision) - 1;
  let column = model + MagnitudeField.columns;
  for (let i: u32 = 0; i < count; i++) {
    const across = depth + ((i & inner) << 1);
    const k = load<u16>(across);
    const n = load<u16>(column);
    const expected = <u32>k + <u32>n;
    const kind = <u32>(expected >= first) + <u32>(expected >= second) + <u32>(expected >= third);
    const s = <u32>load<u8>(slots + (kind << precision) + (a & mask));
    const e = load<u32>(model + (kind << MagnitudeField.table_shift) + (s << 2), MagnitudeField.tables);
    store<u8>(dst + i, s);
    const size = abs(<i32>(<i8>s)) << fraction;
    store<u16>(across, <i32>k + ((size - <i32>k) >> depthRate));
    store<u16>(column, <i32>n + ((size - <i32>n) >> columnRate));
    column += 2;
    a = (e >> 16) * (a >> precision) + (a & mask) - (e & 0xffff);
    const more = <u32>(a < LOW);
    a = select<u32>((a << 16) | load<u16>(p), a, more);
    p += more << 1;
    const turned = a;
    a = b;
    b = c;
    c = d;
    d = turned;
  }
  x0 = a;
  x1 = b;
  x2 = c;
  x3 = d;
  pos = p;
}

/** Puts the states back in order after `count` symbols of rows. */
export function turnBack(count: u32): void {
  for (; count & 3; count++) {
    const turned = x0;
    x0 = x1;
    x1 = x2;
    x2 = x3;
    x3 = turned;
  }
}
