/** The integer arithmetic of docs/quantization.md. Operators' definitions and the planner both use these. */
import { aroundAxis, elementCount, type Shape } from "./shape.ts";
import type { Block, Quant, Tensor, TensorType } from "./tensor.ts";

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

/** The reals that a quantized tensor stands for. */
export function dequantizeTensor(x: Tensor): Tensor {
  const quant = x.quant;
  if (!quant) throw new RangeError("the tensor has no grid");
  const { scale, zero } = quant;
  const at = scaleIndex(x.shape, quant);
  return { dtype: "f32", shape: x.shape, data: Float32Array.from(x.data, (q, i) => dequantizeValue(q, scale[at(i)], zero)) };
}

/** Which of a grid's scales belongs to a flat index of a tensor of this shape. */
export function scaleIndex(shape: Shape, { axis, block }: Pick<Quant, "axis" | "block">): (index: number) => number {
  return block ? blockIndex(shape, block) : channelIndex(shape, axis);
}

/** Which slice along `axis` a flat index lies in; always 0 without an axis. */
export function channelIndex(shape: Shape, axis: number | undefined): (index: number) => number {
  if (axis === undefined) return () => 0;
  const { n, inner } = aroundAxis(shape, axis);
  return (index) => Math.floor(index / inner) % n;
}

function blockIndex(shape: Shape, { axis, size }: Block): (index: number) => number {
  const { n, inner } = aroundAxis(shape, axis);
  const blocks = Math.ceil(n / size);
  return (index) => {
    const [outer, place] = [Math.floor(index / (inner * n)), Math.floor(index / inner) % n];
    return (outer * blocks + Math.floor(place / size)) * inner + (index % inner);
  };
}

/** The shape of the scales of a blocked grid. */
export function blockedShape(shape: Shape, { axis, size }: Block): Shape {
  return shape.with(axis, Math.ceil(shape[axis] / size));
}

/** What is wrong with a tensor's grid; undefined where it fits. */
export function gridProblem({ dtype, shape, quant }: TensorType): string | undefined {
  if (!quant) return undefined;
  const { scale, zero, axis, block } = quant;
  if (dtype !== "i8") return `a grid of ${dtype}`;
  if (!Number.isInteger(zero) || zero < I8_MIN || zero > I8_MAX) return `a grid whose zero is ${zero}`;
  if (scale.some((s) => !(s > 0 && s < Number.POSITIVE_INFINITY))) return "a grid whose scale is not positive";
  if (block && (axis !== undefined || !(block.axis in shape) || !Number.isInteger(block.size) || block.size < 1))
    return `a grid in blocks of ${block.size} along axis ${block.axis} of [${shape}]`;
  if (axis !== undefined && !(axis in shape)) return `a grid along axis ${axis} of [${shape}]`;
  const scales = block ? elementCount(blockedShape(shape, block)) : axis === undefined ? 1 : shape[axis];
  if (scale.length !== scales) return `a grid of ${scale.length} scales, not ${scales}`;
  return scales > 1 && zero !== 0 ? `a grid of ${scales} scales whose zero is ${zero}` : undefined;
}

/**
 * Weights on symmetric grids of so many `levels` (an odd number up to 255; 15 is int4), one for each slice along an axis or for each block: its largest
 * magnitude falls on the last level. Where all are zero, the scale is 1.
 */
export function quantizeWeights(w: Tensor, along: number | Block, levels = 255): Tensor {
  const grid = typeof along === "number" ? { axis: along } : { block: along };
  const at = scaleIndex(w.shape, grid);
  const most = (levels - 1) / 2;
  const scale = new Float32Array(typeof along === "number" ? w.shape[along] : elementCount(blockedShape(w.shape, along)));
  for (let i = 0; i < w.data.length; i++) scale[at(i)] = Math.max(scale[at(i)], Math.abs(w.data[i]));
  for (let c = 0; c < scale.length; c++) scale[c] = scale[c] / most || 1;
  const data = Int8Array.from(w.data, (v, i) => clamp(roundEven(f32(f32(v) / scale[at(i)])), -most, most));
  return { dtype: "i8", shape: w.shape, quant: { scale, zero: 0, ...grid }, data };
}
