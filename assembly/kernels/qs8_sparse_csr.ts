import { Field } from "../lib/record";
import { ConvField } from "../shared/plan";
import { CSR_ROWS, MATRIX_ROWS, SparseField } from "../shared/sparse";
import { CsrSums } from "./csr_sums";
import { Epilogue } from "./qs8_epilogue";
import { qs8_sparse_rows } from "./sparse_rows";

/**
 * Op `qs8_sparse_csr`: CSR_ROWS rows at a time are turned so that each step of k has them side by side, and a weight meets all of them at once.
 * Scratch: sums by output, the same by row, the rows as i16, and these turned.
 */
export function qs8_sparse_csr(r: usize): void {
  const in_c = Field.i32(r, ConvField.in_c);
  const out_c = Field.i32(r, ConvField.out_c);
  const groups = Field.i32(r, ConvField.groups);
  const group_in = in_c / groups;
  const group_out = out_c / groups;
  const k = Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w) * group_in;
  const a_stride = ((k + 1) & ~1) << 1;
  const size = Field.i32(r, ConvField.c_size);
  const e = r + (ConvField.lo << 2);
  const pixels = Field.i32(r, ConvField.batch) * Field.i32(r, ConvField.out_h) * Field.i32(r, ConvField.out_w);
  const sums = Field.address(r, ConvField.scratch);
  const by_row = sums + CsrSums.bytes;
  const rows_at = by_row + CsrSums.bytes;
  const turned = rows_at + a_stride * min(pixels, CSR_ROWS);
  for (let first = 0; first < pixels; first += CSR_ROWS) {
    const rows = min(pixels - first, CSR_ROWS);
    let a = Field.address(r, ConvField.a);
    let w = Field.address(r, ConvField.w);
    let index = Field.address(r, SparseField.index);
    let count = Field.address(r, SparseField.count);
    let bias = Field.address(r, ConvField.bias);
    let scale = Field.address(r, ConvField.scale);
    let c = Field.address(r, ConvField.c) + first * out_c * size;
    const bias_step: usize = bias ? 64 : 0;
    bias = Epilogue.bias(bias);
    for (let group = 0; group < groups; group++, a += group_in, c += group_out * size) {
      qs8_sparse_rows(r, rows_at, a, first, rows);
      if (rows >= MATRIX_ROWS) qs8_csr_turn(rows, k, rows_at, a_stride, turned);
      for (let o = 0; o < group_out; o += 16, bias += bias_step, scale += 64) {
        const outputs = min(group_out - o, 16);
        let units: usize = 0;
        if (rows >= MATRIX_ROWS) {
          units = qs8_csr_16x16(outputs, turned, w, index, count, sums);
          CsrSums.transpose(sums, by_row);
        } else for (let i = 0; i < rows; i++) units = qs8_csr_1x16(outputs, rows_at + i * a_stride, w, index, count, by_row + (i << 6));
        w += units;
        index += units;
        count += outputs << 2;
        const start = Epilogue.start(bias, e);
        for (let i = 0; i < rows; i++) qs8_csr_finish(by_row + (i << 6), start, bias, scale, c + i * out_c * size + o * size, outputs, e);
      }
    }
  }
}

/** Sums of CSR_ROWS rows for up to 16 outputs, [outputs][CSR_ROWS] at `sums`. Two steps of k make one product of pairs. Gives the units read. */
export function qs8_csr_16x16(outputs: i32, turned: usize, w: usize, index: usize, count: usize, sums: usize): usize {
  const first = index;
  for (; outputs > 0; outputs--, count += 4, sums += 64) {
    let p0 = i32x4.splat(0);
    let p1 = p0;
    let p2 = p0;
    let p3 = p0;
    let x = turned;
    for (const end = index + load<i32>(count); index < end; index += 2, w += 2) {
      x += (<usize>load<u8>(index)) << 5;
      const u0 = v128.load(x);
      const u1 = v128.load(x, 16);
      x += (<usize>load<u8>(index, 1)) << 5;
      const v0 = v128.load(x);
      const v1 = v128.load(x, 16);
      const pair = i16x8.extend_low_i8x16_s(v128.load16_splat(w));
      p0 = i32x4.add(p0, i32x4.dot_i16x8_s(v128.shuffle<i16>(u0, v0, 0, 8, 1, 9, 2, 10, 3, 11), pair));
      p1 = i32x4.add(p1, i32x4.dot_i16x8_s(v128.shuffle<i16>(u0, v0, 4, 12, 5, 13, 6, 14, 7, 15), pair));
      p2 = i32x4.add(p2, i32x4.dot_i16x8_s(v128.shuffle<i16>(u1, v1, 0, 8, 1, 9, 2, 10, 3, 11), pair));
      p3 = i32x4.add(p3, i32x4.dot_i16x8_s(v128.shuffle<i16>(u1, v1, 4, 12, 5, 13, 6, 14, 7, 15), pair));
    }
    v128.store(sums, p0);
    v128.store(sums, p1, 16);
    v128.store(sums, p2, 32);
    v128.store(sums, p3, 48);
  }
  return index - first;
}

/** Sums of one row, which lies as it is, for up to 16 outputs. Gives the units read. */
export function qs8_csr_1x16(outputs: i32, a: usize, w: usize, index: usize, count: usize, sums: usize): usize {
  const first = index;
  for (; outputs > 0; outputs--, count += 4, sums += 4) {
    let even = 0;
    let odd = 0;
    let x = a;
    for (const end = index + load<i32>(count); index < end; index += 2, w += 2) {
      x += (<usize>load<u8>(index)) << 1;
      even += <i32>load<i16>(x) * <i32>load<i8>(w);
      x += (<usize>load<u8>(index, 1)) << 1;
      odd += <i32>load<i16>(x) * <i32>load<i8>(w, 1);
    }
    store<i32>(sums, even + odd);
  }
  return index - first;
}

/** One row's 16 sums, with the bias where the epilogue wants it inside, to its outputs. */
function qs8_csr_finish(sums: usize, start: usize, bias: usize, scale: usize, c: usize, lanes: i32, e: usize): void {
  Epilogue.store(
    i32x4.add(v128.load(sums), v128.load(start)),
    i32x4.add(v128.load(sums, 16), v128.load(start, 16)),
    i32x4.add(v128.load(sums, 32), v128.load(start, 32)),
    i32x4.add(v128.load(sums, 48), v128.load(start, 48)),
    bias,
    scale,
    c,
    lanes,
    e,
  );
}

/** Rows of k i16, `stride` bytes apart, to [k][CSR_ROWS], k rounded up to 8; the last row stands in for those that are missing. */
export function qs8_csr_turn(rows: i32, k: i32, a: usize, stride: i32, to: usize): void {
  for (let row = 0; row < CSR_ROWS; row += 8, to += 16) {
    const a0 = a + min(row, rows - 1) * stride;
    const a1 = a + min(row + 1, rows - 1) * stride;
    const a2 = a + min(row + 2, rows - 1) * stride;
    const a3 = a + min(row + 3, rows - 1) * stride;
    const a4 = a + min(row + 4, rows - 1) * stride;
    const a5 = a + min(row + 5, rows - 1) * stride;
    const a6 = a + min(row + 6, rows - 1) * stride;
    const a7 = a + min(row + 7, rows - 1) * stride;
    for (let p: usize = 0, end: usize = k << 1, t = to; p < end; p += 16, t += 16 * CSR_ROWS) {
      Tile8.turn(
        v128.load(a0 + p),
        v128.load(a1 + p),
        v128.load(a2 + p),
        v128.load(a3 + p),
        v128.load(a4 + p),
        v128.load(a5 + p),
        v128.load(a6 + p),
        v128.load(a7 + p),
        t,
      );
    }
  }
}

class Tile8 {
  /** 8 × 8 i16, stored CSR_ROWS elements apart. */
  @inline static turn(r0: v128, r1: v128, r2: v128, r3: v128, r4: v128, r5: v128, r6: v128, r7: v128, to: usize): void {
    const t0 = v128.shuffle<i16>(r0, r1, 0, 8, 1, 9, 2, 10, 3, 11);
    const t1 = v128.shuffle<i16>(r0, r1, 4, 12, 5, 13, 6, 14, 7, 15);
    const t2 = v128.shuffle<i16>(r2, r3, 0, 8, 1, 9, 2, 10, 3, 11);
    const t3 = v128.shuffle<i16>(r2, r3, 4, 12, 5, 13, 6, 14, 7, 15);
    const t4 = v128.shuffle<i16>(r4, r5, 0, 8, 1, 9, 2, 10, 3, 11);
    const t5 = v128.shuffle<i16>(r4, r5, 4, 12, 5, 13, 6, 14, 7, 15);
    const t6 = v128.shuffle<i16>(r6, r7, 0, 8, 1, 9, 2, 10, 3, 11);
    const t7 = v128.shuffle<i16>(r6, r7, 4, 12, 5, 13, 6, 14, 7, 15);
    Tile8.quarter(t0, t2, t4, t6, to);
    Tile8.quarter(t1, t3, t5, t7, to + 8 * CSR_ROWS);
  }

  /** Four columns of 8 rows, each in pairs of rows. */
  @inline static quarter(t0: v128, t2: v128, t4: v128, t6: v128, to: usize): void {
    const s0 = v128.shuffle<i32>(t0, t2, 0, 4, 1, 5);
    const s1 = v128.shuffle<i32>(t0, t2, 2, 6, 3, 7);
    const s2 = v128.shuffle<i32>(t4, t6, 0, 4, 1, 5);
    const s3 = v128.shuffle<i32>(t4, t6, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<i64>(s0, s2, 0, 2));
    v128.store(to, v128.shuffle<i64>(s0, s2, 1, 3), 2 * CSR_ROWS);
    v128.store(to, v128.shuffle<i64>(s1, s3, 0, 2), 4 * CSR_ROWS);
    v128.store(to, v128.shuffle<i64>(s1, s3, 1, 3), 6 * CSR_ROWS);
  }
}
