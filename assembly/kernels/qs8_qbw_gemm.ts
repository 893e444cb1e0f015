/**
 * Products with weights of 4 or 8 bits that have a scale for each block of k (docs/quantization.md, "Weights in blocks"). For a few rows, nibbles are
 * unpacked in registers; for more, a block of half a panel is unpacked to i16 once and multiplied with all of them.
 */
import { Field } from "../lib/record";
import { PANEL_ROWS } from "../shared/layout";
import { BlockGemmField } from "../shared/plan";
import { Bytes } from "./bytes";
import { Lanes } from "./lanes";
import { Requantize } from "./qs8_epilogue";
import { qs8_qb4w_gemv_1x16, qs8_qb4w_unpack, qs8_qb8w_unpack, qs8_qbw_gemm_4x8 } from "./qs8_qbw_panel";
import { qs8_quantize_rows, qs8_telescope, qs8_widen_rows } from "./qs8_quantize_rows";

/** Fewest rows that repay unpacking weights to memory. */
const MANY: i32 = 4;

/** The zero points of 16 outputs where none are given. */
const EIGHTS = memory.data<u8>([8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8], 16);

/** Op `qs8_qbw_gemm`. */
export function qs8_qbw_gemm(r: usize): void {
  const k = Field.i32(r, BlockGemmField.k);
  const m = Field.i32(r, BlockGemmField.m);
  const a_size = Field.i32(r, BlockGemmField.a_size);
  const c_row = Field.i32(r, BlockGemmField.n) * Field.i32(r, BlockGemmField.c_size);
  const stride: usize = ((k + 7) & ~7) << 1;
  const x = Field.address(r, BlockGemmField.scratch);
  const factors = x + <usize>min((m + 3) & ~3, PANEL_ROWS) * stride;
  let a = Field.address(r, BlockGemmField.a);
  let c = Field.address(r, BlockGemmField.c);
  for (let left = m; left > 0; left -= PANEL_ROWS, a += PANEL_ROWS * k * a_size, c += PANEL_ROWS * c_row) {
    const rows = min(left, PANEL_ROWS);
    if (a_size === 4) qs8_quantize_rows(rows, k, a, x, stride, factors);
    else {
      qs8_widen_rows(rows, k, a, x, stride, Field.i32(r, BlockGemmField.a_zero));
      for (let i: usize = 0; i < <usize>rows; i++) store<f32>(factors + (i << 2), Field.f32(r, BlockGemmField.factor));
    }
    panels(rows, stride, x, factors, c, c_row, r);
  }
}

/** Rows as i16 against all panels of weights. */
function panels(rows: i32, stride: usize, x: usize, factors: usize, c: usize, c_row: i32, r: usize): void {
  const n = Field.i32(r, BlockGemmField.n);
  const four = Field.i32(r, BlockGemmField.bits) === 4;
  const bytes: usize = Field.i32(r, BlockGemmField.block) << 1;
  const blocks = (stride + bytes - 1) / bytes;
  const sums_step = blocks << 3;
  const few = four && rows < MANY;
  const sums = factors + (PANEL_ROWS << 2);
  const wide = sums + <usize>MANY * sums_step;
  const acc = wide + (bytes << 3);
  const c_size: usize = Field.i32(r, BlockGemmField.c_size);
  if (few) for (let i: usize = 0; i < <usize>rows; i++) qs8_telescope(x + i * stride, stride, bytes, sums + i * sums_step);

  let w = Field.address(r, BlockGemmField.w);
  let scale = Field.address(r, BlockGemmField.scale);
  let zeros = Field.address(r, BlockGemmField.zeros);
  const zeros_step: usize = zeros ? 16 : 0;
  if (!zeros) zeros = EIGHTS;
  for (let j = 0; j < n; j += 16) {
    const lanes = n - j;
    if (few) {
      for (let i: usize = 0; i < <usize>rows; i++)
        qs8_qb4w_gemv_1x16(stride, bytes, x + i * stride, w, sums + i * sums_step, zeros, zeros_step, scale, acc + (i << 6));
    } else {
      memory.fill(acc, 0, (<usize>((rows + 3) & ~3)) << 6);
      for (let half: usize = 0; half < 16 && <i32>half < lanes; half += 8) {
        let s = scale + (half << 2);
        let z = zeros + (zeros_step ? half : 0);
        for (let at: usize = 0; at < stride; at += bytes, s += 64, z += zeros_step) {
          const length = min(bytes, stride - at);
          if (four) qs8_qb4w_unpack(length, w + (at << 2) + (half << 2), z, wide);
          else qs8_qb8w_unpack(length, w + (at << 3) + (half << 1), wide);
          qs8_qbw_gemm_4x8(rows, length, x + at, stride, wide, s, acc + (half << 2));
        }
      }
    }
    for (let i: usize = 0; i < <usize>rows; i++)
      store_row(acc + (i << 6), load<f32>(factors + (i << 2)), j, lanes, c + i * c_row + <usize>j * c_size, r);
    w += four ? stride << 2 : stride << 3;
    scale += blocks << 6;
    zeros += blocks * zeros_step;
  }
}

/** Finishes the accumulators of outputs j … j + 15 and stores the first `lanes` of them. */
function store_row(acc: usize, factor: f32, j: i32, lanes: i32, c: usize, r: usize): void {
  const f = f32x4.splat(factor);
  const bias = Field.address(r, BlockGemmField.bias);
  const at = bias + (j << 2);
  let y0 = f32x4.mul(v128.load(acc), f);
  let y1 = f32x4.mul(v128.load(acc, 16), f);
  let y2 = f32x4.mul(v128.load(acc, 32), f);
  let y3 = f32x4.mul(v128.load(acc, 48), f);
  if (bias) {
    y0 = f32x4.add(y0, v128.load(at));
    y1 = f32x4.add(y1, v128.load(at, 16));
    y2 = f32x4.add(y2, v128.load(at, 32));
    y3 = f32x4.add(y3, v128.load(at, 48));
  }
  if (Field.i32(r, BlockGemmField.c_size) === 1) {
    const zero = Field.i32(r, BlockGemmField.c_zero);
    const lo = f32x4.splat(f32(Field.i32(r, BlockGemmField.lo) - zero));
    const offset = Requantize.offset(zero);
    const q0 = Requantize.round(y0, lo, offset);
    const q1 = Requantize.round(y1, lo, offset);
    const q2 = Requantize.round(y2, lo, offset);
    const q3 = Requantize.round(y3, lo, offset);
    Bytes.store(c, Requantize.narrow(q0, q1, q2, q3, i8x16.splat(i8(Field.i32(r, BlockGemmField.hi)))), lanes);
    return;
  }
  const lo = f32x4.splat(Field.f32(r, BlockGemmField.lo));
  const hi = f32x4.splat(Field.f32(r, BlockGemmField.hi));
  Lanes.store(c, f32x4.min(f32x4.max(y0, lo), hi), lanes);
  Lanes.store(c + 16, f32x4.min(f32x4.max(y1, lo), hi), lanes - 4);
  Lanes.store(c + 32, f32x4.min(f32x4.max(y2, lo), hi), lanes - 8);
  Lanes.store(c + 48, f32x4.min(f32x4.max(y3, lo), hi), lanes - 12);
}
