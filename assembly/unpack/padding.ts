/** Padding of packed panels, which a file leaves out: where it lies, and putting it back. */
import { Context } from "../shared/container";
import { damage, number } from "./rans";

/** The layout [⌈n/lanes⌉][⌈k/inner⌉][lanes][inner] of one group, and where in it the piece begins. */
let lanes: u32 = 0;
let inner: u32 = 0;
let n: u32 = 0;
let k: u32 = 0;
let phase: u32 = 0;

/** Reads the layout of a piece of `count` elements, and gives how many of them are coded. */
export function readPadding(count: u32): u32 {
  const holes = number(Context.count) + 1;
  lanes = number(Context.lanes) + 1;
  inner = number(Context.lanes) + 1;
  n = number(Context.rows) + 1;
  k = number(Context.rows) + 1;
  phase = number(Context.phase);
  // Exact where it is below the limit, and never rounded to below it.
  const group = <f64>lanes * <f64>inner * <f64>ceilDiv(n, lanes) * <f64>ceilDiv(k, inner);
  if (holes >= count || group >= 2147483648.0 || <f64>phase >= group) {
    damage();
    return count;
  }
  return count - holes;
}

/** Spreads `coded` elements of 1 << shift bytes, which lie at the end of `count` such places from dst on, over these, with zeros between them. */
export function spread(dst: usize, count: u32, coded: u32, shift: u32): void {
  if (coded === count) return;
  const end = dst + (count << shift);
  let src = end - (coded << shift);
  const across = lanes * inner;
  const rows = ceilDiv(k, inner);
  const all = rows * ceilDiv(n, lanes);
  let row = phase / across;
  for (let column = phase % across; dst < end; column = 0) {
    const width = (n - (row / rows) * lanes) * inner;
    const depth = k - (row % rows) * inner;
    for (; column < across && dst < end; column++) {
      const there = column < width && column % inner < depth;
      if (there && src === end) {
        damage();
        return;
      }
      // Never behind dst: no more elements are left than places.
      const value = there ? (shift ? load<u32>(src) : <u32>load<u8>(src)) : 0;
      if (shift) store<u32>(dst, value);
      else store<u8>(dst, value);
      if (there) src += 1 << shift;
      dst += 1 << shift;
    }
    if (++row === all) row = 0;
  }
  if (src !== end) damage();
}

function ceilDiv(a: u32, b: u32): u32 {
  return (a + b - 1) / b;
}
