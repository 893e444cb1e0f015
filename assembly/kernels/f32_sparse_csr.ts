import { Madd } from "../lib/madd";
import { Field } from "../lib/record";
import { ConvField } from "../shared/plan";
import { CSR_ROWS, MATRIX_ROWS, SparseField } from "../shared/sparse";
import { f32_im2col } from "./conv";
import { CsrSums } from "./csr_sums";
import { Lanes } from "./lanes";
import { F32x4 } from "./math";
import { reads_pixels } from "./sparse_rows";

/**
 * Op `f32_sparse_csr`: CSR_ROWS rows at a time are turned so that each step of k has them side by side, and a weight meets all of them at once.
 * Scratch: sums by output, the same by row, im2col rows (none where the layer is pointwise), and the rows turned.
 */
export function f32_sparse_csr(r: usize): void {
  const in_c = Field.i32(r, ConvField.in_c);
  const out_c = Field.i32(r, ConvField.out_c);
  const groups = Field.i32(r, ConvField.groups);
  const depth = in_c / groups;
  const group_out = out_c / groups;
  const k = Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w) * depth;
  const pixels = Field.i32(r, ConvField.batch) * Field.i32(r, ConvField.out_h) * Field.i32(r, ConvField.out_w);
  const pointwise = reads_pixels(r);
  const stride = (pointwise ? in_c : k) << 2;
  const sums = Field.address(r, ConvField.scratch);
  const by_row = sums + CsrSums.bytes;
  const windows = by_row + CsrSums.bytes;
  const turned = pointwise ? windows : windows + stride * min(pixels, CSR_ROWS);
  const lo = f32x4.splat(Field.f32(r, ConvField.lo));
  const hi = f32x4.splat(Field.f32(r, ConvField.hi));
  for (let first = 0; first < pixels; first += CSR_ROWS) {
    const rows = min(pixels - first, CSR_ROWS);
    let a = Field.address(r, ConvField.a);
    let w = Field.address(r, ConvField.w);
    let index = Field.address(r, SparseField.index);
    let count = Field.address(r, SparseField.count);
    let bias = Field.address(r, ConvField.bias);
    let c = Field.address(r, ConvField.c) + ((first * out_c) << 2);
    for (let group = 0; group < groups; group++, a += depth << 2) {
      const from = pointwise ? a + first * stride : windows;
      if (!pointwise) f32_im2col(r, a, first, rows, windows);
      if (rows >= MATRIX_ROWS) f32_csr_turn(rows, k, from, stride, turned);
      for (let o = 0; o < group_out; o += 16) {
        const outputs = min(group_out - o, 16);
        let units: usize = 0;
        if (rows >= MATRIX_ROWS) {
          units = f32_csr_16x16(outputs, turned, w, index, count, sums);
          CsrSums.transpose(sums, by_row);
        } else for (let i = 0; i < rows; i++) units = f32_csr_1x16(outputs, from + i * stride, w, index, count, by_row + (i << 6));
        w += units << 2;
        index += units;
        count += outputs << 2;
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < outputs; j += 4) {
            const shift = bias ? Lanes.load(bias + (j << 2), outputs - j) : f32x4.splat(0);
            const sum = f32x4.add(v128.load(by_row + (i << 6) + (j << 2)), shift);
            Lanes.store(c + ((i * out_c + j) << 2), F32x4.clamp(sum, lo, hi), outputs - j);
          }
        if (bias) bias += outputs << 2;
        c += outputs << 2;
      }
    }
  }
}

/** Sums of CSR_ROWS rows for up to 16 outputs, each over k in order from +0, [outputs][CSR_ROWS] at `sums`. Gives the units read. */
export function f32_csr_16x16(outputs: i32, turned: usize, w: usize, index: usize, count: usize, sums: usize): usize {
  const first = index;
  for (; outputs > 0; outputs--, count += 4, sums += 64) {
    let p0 = f32x4.splat(0);
    let p1 = p0;
    let p2 = p0;
    let p3 = p0;
    let x = turned;
    for (const end = index + load<i32>(count); index < end; index++, w += 4) {
      x += (<usize>load<u8>(index)) << 6;
      const q = v128.load32_splat(w);
      p0 = Madd.f32x4(v128.load(x), q, p0);
      p1 = Madd.f32x4(v128.load(x, 16), q, p1);
      p2 = Madd.f32x4(v128.load(x, 32), q, p2);
      p3 = Madd.f32x4(v128.load(x, 48), q, p3);
    }
    v128.store(sums, p0);
    v128.store(sums, p1, 16);
    v128.store(sums, p2, 32);
    v128.store(sums, p3, 48);
  }
  return index - first;
}

/** Sums of one row, which lies as it is, for up to 16 outputs. Gives the units read. */
export function f32_csr_1x16(outputs: i32, a: usize, w: usize, index: usize, count: usize, sums: usize): usize {
  const first = index;
  for (; outputs > 0; outputs--, count += 4, sums += 4) {
    let sum = f32x4.splat(0);
    let x = a;
    for (const end = index + load<i32>(count); index < end; index++, w += 4) {
      x += (<usize>load<u8>(index)) << 2;
      sum = Madd.f32x4(v128.load32_zero(x), v128.load32_zero(w), sum);
    }
    v128.store32_lane(sums, sum, 0);
  }
  return index - first;
}

/** Rows of k floats, `stride` bytes apart, to [k][CSR_ROWS], k rounded up to 4; the last row stands in for those that are missing. */
export function f32_csr_turn(rows: i32, k: i32, a: usize, stride: i32, to: usize): void {
  for (let row = 0; row < CSR_ROWS; row += 4, to += 16) {
    const a0 = a + min(row, rows - 1) * stride;
    const a1 = a + min(row + 1, rows - 1) * stride;
    const a2 = a + min(row + 2, rows - 1) * stride;
    const a3 = a + min(row + 3, rows - 1) * stride;
    let t = to;
    let p: usize = 0;
    let left = k;
    for (; left >= 4; left -= 4, p += 16, t += 16 * CSR_ROWS)
      CsrSums.columns(v128.load(a0 + p), v128.load(a1 + p), v128.load(a2 + p), v128.load(a3 + p), t, 4 * CSR_ROWS);
    if (left)
      CsrSums.columns(
        Lanes.load(a0 + p, left),
        Lanes.load(a1 + p, left),
        Lanes.load(a2 + p, left),
        Lanes.load(a3 + p, left),
        t,
        4 * CSR_ROWS,
      );
  }
}
