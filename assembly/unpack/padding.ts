/** Padding of packed panels, which a file leaves out: where it lies, and putting it back. */
import { Context } from "../shared/container";
import { damage, number } from "./rans";

const LIMIT: u64 = 0x80000000;

let lanes: u32 = 0;
let inner: u32 = 0;
let n: u32 = 0;
let k: u32 = 0;
let panels: u32 = 0;
let rows: u32 = 0;
/** Where the next element lies. */
let panel: u32 = 0;
let row: u32 = 0;
let lane: u32 = 0;
let place: u32 = 0;

/** Reads the layout of a piece of `count` elements, and gives how many of them are coded. */
export function readPadding(count: u32): u32 {
  const holes = number(Context.count) + 1;
  lanes = number(Context.lanes) + 1;
  inner = number(Context.lanes) + 1;
  n = number(Context.rows) + 1;
  k = number(Context.rows) + 1;
  const phase = number(Context.phase);
  panels = (n + lanes - 1) / lanes;
  rows = (k + inner - 1) / inner;
  const across = <u64>lanes * inner;
  if (
    holes >= count ||
    across >= LIMIT ||
    across * rows >= LIMIT ||
    across * rows * panels >= LIMIT ||
    phase >= <u32>across * rows * panels
  ) {
    damage();
    return count;
  }
  const perPanel = <u32>across * rows;
  panel = phase / perPanel;
  row = (phase % perPanel) / <u32>across;
  lane = (phase % <u32>across) / inner;
  place = phase % inner;
  return count - holes;
}

/** Spreads `coded` elements of 1 << shift bytes, which lie at the end of `count` such places from dst on, over these, with zeros between them. */
export function spread(dst: usize, count: u32, coded: u32, shift: u32): void {
  if (coded === count) return;
  const end = dst + (count << shift);
  let src = end - (coded << shift);
  for (; dst < end; dst += 1 << shift) {
    const there = panel * lanes + lane < n && row * inner + place < k;
    // Never behind dst: no more elements are left than places.
    if (there && src === end) break;
    if (shift) store<u32>(dst, there ? load<u32>(src) : 0);
    else store<u8>(dst, there ? load<u8>(src) : 0);
    if (there) src += 1 << shift;
    advance();
  }
  if (dst !== end || src !== end) damage();
}

function advance(): void {
  if (++place < inner) return;
  place = 0;
  if (++lane < lanes) return;
  lane = 0;
  if (++row < rows) return;
  row = 0;
  if (++panel === panels) panel = 0;
}
