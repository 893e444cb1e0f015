/** The packed layout of weights in blocks (ABI_VERSION): what `assembly/kernels/qs8_qbw_*` read. */
import { PANEL_ROWS, QS8_NR } from "../../assembly/shared/layout.ts";
import type { Panels } from "../format/image.ts";
import { packQs8Gemm } from "./pack-qs8.ts";

const padded = (n: number, step: number): number => Math.ceil(n / step) * step;

/** Steps of k that a nibble layout takes together. */
const OCTET = 8;

export interface BlockWeights {
  readonly bits: 4 | 8;
  readonly data: Int8Array | Int32Array;
  /** Which of the data are padding. */
  readonly panels: Panels;
  /** What nibbles are less of in each block, [⌈n/16⌉][blocks][16]; absent where it is 8 in all of them. */
  readonly zeros?: Uint8Array;
}

/**
 * Weights `w`, [n][k] row-major, in blocks of `block` along k; k is padded to a multiple of 8. Where no block's integers lie further apart than 15 they are
 * nibbles, [⌈n/16⌉][⌈k/8⌉][16] words of 32 bits: bits 16p + 4t to 16p + 4t + 3 hold step 2t + p of 8 and its block's zero point, from 0 to 15; for t = 3 they
 * hold 8 less, from −8 to 7, so that a word's halves are i16. Otherwise they are bytes as `packQs8Gemm` packs them.
 */
export function packBlocks(w: Int8Array, n: number, k: number, block: number): BlockWeights {
  const zeros = nibbleZeros(w, n, k, block);
  if (zeros) return { bits: 4, ...packNibbles(w, n, k, block, zeros), zeros: zeros.every((zero) => zero === 8) ? undefined : zeros };
  const even = padded(k, OCTET);
  const rows = new Int8Array(n * even);
  for (let o = 0; o < n; o++) rows.set(w.subarray(o * k, (o + 1) * k), o * even);
  return { bits: 8, data: packQs8Gemm(rows, n, even), panels: { n, k: even, lanes: QS8_NR, inner: 2 } };
}

/** One number for each block of each output in the order of panels, [⌈n/lanes⌉][blocks][lanes]. */
export function spreadBlocks<T extends Uint8Array | Float32Array>(
  to: T,
  blocks: number,
  n: number,
  lanes: number,
  of: (output: number, block: number) => number,
): T {
  for (let o = 0; o < n; o++) for (let b = 0; b < blocks; b++) to[(Math.floor(o / lanes) * blocks + b) * lanes + (o % lanes)] = of(o, b);
  return to;
}

/** Elements of `spreadBlocks`. */
export const blockCount = (n: number, blocks: number, lanes: number): number => padded(n, lanes) * blocks;

/** A zero point for each block by which its integers lie in 0..15, 8 where that will do; undefined where a block has none. */
function nibbleZeros(w: Int8Array, n: number, k: number, block: number): Uint8Array | undefined {
  const blocks = Math.ceil(k / block);
  let fit = true;
  const zeros = spreadBlocks(new Uint8Array(blockCount(n, blocks, QS8_NR)).fill(8), blocks, n, QS8_NR, (o, b) => {
    const integers = w.subarray(o * k + b * block, o * k + Math.min(k, (b + 1) * block));
    const [least, most] = integers.reduce(([lo, hi], q) => [Math.min(lo, q), Math.max(hi, q)], [0, 0]);
    fit &&= most - least <= 15;
    return Math.max(-least, Math.min(8, 15 - most));
  });
  return fit ? zeros : undefined;
}

function packNibbles(w: Int8Array, n: number, k: number, block: number, zeros: Uint8Array): Pick<BlockWeights, "data" | "panels"> {
  const blocks = Math.ceil(k / block);
  const octets = Math.ceil(k / OCTET);
  const data = new Int32Array(padded(n, QS8_NR) * octets);
  for (let o = 0; o < n; o++) {
    const [panel, lane] = [Math.floor(o / QS8_NR), o % QS8_NR];
    for (let p = 0; p < octets * OCTET; p++) {
      const zero = zeros[(panel * blocks + Math.min(blocks - 1, Math.floor(p / block))) * QS8_NR + lane];
      const nibble = zero + (p < k ? w[o * k + p] : 0);
      const pair = (p % OCTET) >> 1;
      const at = (panel * octets + Math.floor(p / OCTET)) * QS8_NR + lane;
      data[at] |= (pair === 3 ? nibble ^ 8 : nibble) << (16 * (p & 1) + 4 * pair);
    }
  }
  return { data, panels: { n, k: octets, lanes: QS8_NR, inner: 1 } };
}

/** Bytes of `qs8_qbw_gemm`'s scratch: rows as i16, their factors, sums of blocks, a block of half a panel as i16, accumulators of a panel. */
export function qbwScratch(m: number, k: number, block: number): number {
  const rows = Math.min(padded(m, 4), PANEL_ROWS);
  return rows * padded(k, OCTET) * 2 + PANEL_ROWS * 4 + 4 * Math.ceil(k / block) * 8 + block * 16 + rows * 64;
}
