/** The integer arithmetic of docs/quantization.md. Operators' definitions and the planner both use these. */
import { elementCount } from "./shape.ts";
import type { Quant, Tensor } from "./tensor.ts";

const f32 = Math.fround;

export const I8_MIN = -128;
export const I8_MAX = 127;

/** Nearest integer, ties to even. */
export function roundEven(x: number): number {
  const r = Math.round(x);
  return r - x === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

export function clamp(x: number, lo: number, hi: number): number {
  return Math.min(Math.max(x, lo), hi);
}

/** i32 accumulator → integer on a grid with `zero`, by one f32 factor. */
export function requantize(acc: number, factor: number, zero: number, lo = I8_MIN, hi = I8_MAX): number {
  return roundEven(clamp(f32(f32(acc) * factor), lo - zero, hi - zero)) + zero;
}

/** Real number → integer on a per-tensor grid (QuantizeLinear). */
export function quantizeValue(x: number, scale: number, zero: number): number {
  const q = f32(f32(x) / scale);
  return Number.isNaN(q) ? zero : roundEven(clamp(q, I8_MIN - zero, I8_MAX - zero)) + zero;
}

export function dequantizeValue(q: number, scale: number, zero: number): number {
  return f32((q - zero) * scale);
}

/** Bounds of a fused activation on a grid: the integers that `min` and `max` fall on. */
export function gridBounds(quant: Quant, min: number, max: number): { lo: number; hi: number } {
  return { lo: quantizeValue(min, quant.scale[0], quant.zero), hi: quantizeValue(max, quant.scale[0], quant.zero) };
}

/**
 * The asymmetric i8 grid that covers min..max and zero. A range of a single point 0 gets scale 1.
 * `min` and `max` are finite; the f32 operations are those of dynamic quantization.
 */
export function gridOfRange(min: number, max: number): Quant {
  const lo = f32(Math.min(0, min));
  const hi = f32(Math.max(0, max));
  const scale = f32(f32(hi - lo) / 255) || 1;
  return { scale: Float32Array.of(scale), zero: clamp(roundEven(f32(-128 - f32(lo / scale))), I8_MIN, I8_MAX) };
}

/** A tensor of reals put on a per-tensor grid. */
export function quantizeTensor(x: Tensor, quant: Quant): Tensor {
  return { dtype: "i8", shape: x.shape, quant, data: Int8Array.from(x.data, (v) => quantizeValue(v, quant.scale[0], quant.zero)) };
}

/** The reals that a quantized tensor stands for, per tensor or per slice along the grid's axis. */
export function dequantizeTensor(x: Tensor): Tensor {
  const quant = x.quant;
  if (!quant) throw new RangeError("the tensor has no grid");
  const { scale, zero } = quant;
  const channel = channelIndex(x.shape, quant.axis);
  return { dtype: "f32", shape: x.shape, data: Float32Array.from(x.data, (q, i) => dequantizeValue(q, scale[channel(i)], zero)) };
}

/** Which slice along `axis` a flat index lies in; always 0 without an axis. */
export function channelIndex(shape: readonly number[], axis: number | undefined): (index: number) => number {
  if (axis === undefined) return () => 0;
  const inner = elementCount(shape.slice(axis + 1));
  const channels = shape[axis];
  return (index) => Math.floor(index / inner) % channels;
}

/** Symmetric i8 weights, −127..127, one scale for each slice along `axis`: the largest magnitude falls on 127. An all-zero slice gets scale 1. */
export function quantizeWeights(w: Tensor, axis: number): Tensor {
  const channel = channelIndex(w.shape, axis);
  const scale = new Float32Array(w.shape[axis]);
  for (let i = 0; i < w.data.length; i++) scale[channel(i)] = Math.max(scale[channel(i)], Math.abs(w.data[i]));
  for (let c = 0; c < scale.length; c++) scale[c] = scale[c] / 127 || 1;
  const data = Int8Array.from(w.data, (v, i) => clamp(roundEven(f32(f32(v) / scale[channel(i)])), -127, 127));
  return { dtype: "i8", shape: w.shape, quant: { scale, zero: 0, axis }, data };
}
