import { CSR_ROWS } from "../shared/sparse";

/** Bytes of one row of sums: 16 outputs of 32 bits. */
const ROW = 64;

/** The sums of CSR_ROWS rows × 16 outputs, which a tile leaves output by output and an epilogue wants row by row. */
export class CsrSums {
  static readonly bytes: i32 = CSR_ROWS * ROW;

  /** From [16 outputs][CSR_ROWS] at `from` to [CSR_ROWS][16 outputs] at `to`, of 32 bits each. */
  static transpose(from: usize, to: usize): void {
    for (let row = 0; row < CSR_ROWS; row += 4)
      for (let output = 0; output < 16; output += 4)
        CsrSums.transpose_4x4(from + output * ROW + (row << 2), ROW, to + row * ROW + (output << 2), ROW);
  }

  /** Four vectors `stride` bytes apart become columns of four vectors `to_stride` bytes apart. */
  @inline static transpose_4x4(from: usize, stride: usize, to: usize, to_stride: usize): void {
    CsrSums.columns(v128.load(from), v128.load(from + stride), v128.load(from + 2 * stride), v128.load(from + 3 * stride), to, to_stride);
  }

  /** The same of four vectors in registers. */
  @inline static columns(p: v128, q: v128, s: v128, t: v128, to: usize, to_stride: usize): void {
    const pq = v128.shuffle<i32>(p, q, 0, 4, 1, 5);
    const st = v128.shuffle<i32>(s, t, 0, 4, 1, 5);
    const pq2 = v128.shuffle<i32>(p, q, 2, 6, 3, 7);
    const st2 = v128.shuffle<i32>(s, t, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<i64>(pq, st, 0, 2));
    v128.store(to + to_stride, v128.shuffle<i64>(pq, st, 1, 3));
    v128.store(to + 2 * to_stride, v128.shuffle<i64>(pq2, st2, 0, 2));
    v128.store(to + 3 * to_stride, v128.shuffle<i64>(pq2, st2, 1, 3));
  }
}
