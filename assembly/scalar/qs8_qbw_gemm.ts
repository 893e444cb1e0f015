/** `qs8_qbw_gemm` as plain loops: the definition that the SIMD kernel is held to, bit for bit. */
import { Field } from "../lib/record";
import { QS8_NR } from "../shared/layout";
import { BlockGemmField } from "../shared/plan";
import { qs8_clamp } from "./qs8_epilogue";
import { qs8_packed } from "./qs8_gemm";
import { qs8_range } from "./qs8_quantize";

/** {f32 scale, i32 zero} of the row at hand. */
const GRID = memory.data(8, 8);

export function qs8_qbw_gemm(r: usize): void {
  const k = Field.i32(r, BlockGemmField.k);
  const n = Field.i32(r, BlockGemmField.n);
  const size = Field.i32(r, BlockGemmField.a_size);
  const x = Field.address(r, BlockGemmField.scratch);
  for (let i = 0; i < Field.i32(r, BlockGemmField.m); i++) {
    const a = Field.address(r, BlockGemmField.a) + i * k * size;
    const factor = size === 4 ? quantize(k, a, x) : widen(k, a, x, r);
    const c = Field.address(r, BlockGemmField.c) + i * n * Field.i32(r, BlockGemmField.c_size);
    for (let j = 0; j < n; j++) finish(product(x, k, j, r) * factor, j, c, r);
  }
}

/** Writes a row of f32 as integers on its own grid less their zero, and returns the grid's scale. */
function quantize(k: i32, a: usize, x: usize): f32 {
  qs8_range(k, a, GRID);
  const scale = load<f32>(GRID);
  const lo: f32 = -128 - f32(load<i32>(GRID, 4));
  for (let p = 0; p < k; p++) {
    const q = load<f32>(a + (p << 2)) / scale;
    store<i16>(x + (p << 1), Number.isNaN(q) ? 0 : <i16>i32(nearest(qs8_clamp(q, lo, lo + 255))));
  }
  return scale;
}

function widen(k: i32, a: usize, x: usize, r: usize): f32 {
  const zero = Field.i32(r, BlockGemmField.a_zero);
  for (let p = 0; p < k; p++) store<i16>(x + (p << 1), <i16>(load<i8>(a + p) - zero));
  return Field.f32(r, BlockGemmField.factor);
}

/** Blocks in order of k, each an exact sum of integers times its scale. */
function product(x: usize, k: i32, j: i32, r: usize): f32 {
  const block = Field.i32(r, BlockGemmField.block);
  const blocks = (k + block - 1) / block;
  let y: f32 = 0;
  for (let b = 0; b < blocks; b++) {
    const at = ((j / QS8_NR) * blocks + b) * QS8_NR + (j % QS8_NR);
    let sum = 0;
    for (let p = b * block, end = min(k, p + block); p < end; p++) sum += load<i16>(x + (p << 1)) * weight(k, j, p, at, r);
    y += f32(sum) * load<f32>(Field.address(r, BlockGemmField.scale) + (at << 2));
  }
  return y;
}

/** Weight p of output j, whose block's scale and zero point lie `at`. */
function weight(k: i32, j: i32, p: i32, at: i32, r: usize): i32 {
  const w = Field.address(r, BlockGemmField.w);
  const padded = (k + 7) & ~7;
  if (Field.i32(r, BlockGemmField.bits) === 8) return qs8_packed(w, padded >> 1, j, p);
  const word: i32 = load<i32>(w + (((j / QS8_NR) * (padded >> 3) + (p >> 3)) * QS8_NR + (j % QS8_NR)) * 4);
  const pair = (p & 7) >> 1;
  const nibble = (word >> (((p & 1) << 4) + (pair << 2))) & 15;
  const zeros = Field.address(r, BlockGemmField.zeros);
  return (pair === 3 ? nibble ^ 8 : nibble) - (zeros ? load<u8>(zeros + at) : 8);
}

function finish(y: f32, j: i32, c: usize, r: usize): void {
  const bias = Field.address(r, BlockGemmField.bias);
  if (bias) y += load<f32>(bias + (j << 2));
  if (Field.i32(r, BlockGemmField.c_size) === 4) {
    store<f32>(c + (j << 2), min(max(y, Field.f32(r, BlockGemmField.lo)), Field.f32(r, BlockGemmField.hi)));
    return;
  }
  const zero = Field.i32(r, BlockGemmField.c_zero);
  const lo = f32(Field.i32(r, BlockGemmField.lo) - zero);
  store<i8>(c + j, i32(nearest(qs8_clamp(y, lo, f32(Field.i32(r, BlockGemmField.hi) - zero)))) + zero);
}
