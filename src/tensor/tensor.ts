import { DTYPES, type DType, type TensorData } from "./dtype.ts";
import { elementCount, type Shape, sameShape } from "./shape.ts";

/** `size` neighbours along `axis`; the last block of a dimension may be shorter. */
export interface Block {
  readonly axis: number;
  readonly size: number;
}

/**
 * An affine grid: real = scale · (integer − zero). One scale for the tensor; or one for each slice along `axis`; or, of weights, one for each `block`,
 * in every place of the other axes: the scales are then a row-major tensor of the integers' shape in which the dimension at `block.axis` is
 * ⌈d / block.size⌉, as in ONNX's blocked quantization. Where there is more than one scale, zero is 0.
 */
export interface Quant {
  readonly scale: Float32Array;
  readonly zero: number;
  readonly axis?: number;
  readonly block?: Block;
}

/**
 * How much of a dimension there is depends on data: `shape` has the most that there can be along `axis`. Places that are not there lie behind the others;
 * with `zeros` they hold 0.
 */
export interface Bound {
  readonly axis: number;
  readonly zeros: boolean;
}

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
  /** Present on i8 tensors that stand for real numbers. */
  readonly quant?: Quant;
  /** Never on a tensor: its shape is the true one. */
  readonly bound?: Bound;
}

export interface Tensor extends TensorType {
  readonly data: TensorData;
}

/** A tensor of zeros. */
export function zeros(type: TensorType): Tensor {
  return { ...type, data: new DTYPES[type.dtype].array(elementCount(type.shape)) };
}

/** A tensor from numbers in row-major order; `shape` defaults to one dimension. */
export function tensor(dtype: DType, data: ArrayLike<number>, shape: Shape = [data.length]): Tensor {
  if (elementCount(shape) !== data.length) throw new RangeError(`${data.length} elements do not fill [${shape}]`);
  return { dtype, shape, data: DTYPES[dtype].array.from(data) };
}

export const f32 = (data: ArrayLike<number>, shape?: Shape): Tensor => tensor("f32", data, shape);
export const i64 = (data: ArrayLike<number>, shape?: Shape): Tensor => tensor("i64", data, shape);

/** The type alone, without the data and without a bound. */
export function typeOf({ dtype, shape, quant }: TensorType): TensorType {
  return quant ? { dtype, shape, quant } : { dtype, shape };
}

/**
 * Stable text form, `f32[1,3,224,224]`, with the grid of quantized tensors: `i8[1,8]@0.05-128`, `i8[8,64]@axis0`, `i8[8,64]@axis1/32` in blocks of 32,
 * and `i64[≤20,3]` where a dimension is a bound.
 */
export function formatType(type: TensorType): string {
  const base = `${type.dtype}[${type.shape.map((d, i) => (i === type.bound?.axis ? `≤${d}` : d)).join(",")}]`;
  if (!type.quant) return base;
  const { scale, zero, axis, block } = type.quant;
  if (block) return `${base}@axis${block.axis}/${block.size}`;
  return axis === undefined ? `${base}@${Number(scale[0].toPrecision(6))}${zero < 0 ? "" : "+"}${zero}` : `${base}@axis${axis}`;
}

/** The same type with another shape. */
export function withShape(type: TensorType, shape: Shape): TensorType {
  return { ...typeOf(type), shape };
}

/** Whether two grids are the same, or both absent. */
export function sameQuant(a: Quant | undefined, b: Quant | undefined): boolean {
  if (!a || !b) return a === b;
  const sameBlock = a.block?.axis === b.block?.axis && a.block?.size === b.block?.size;
  return a.zero === b.zero && a.axis === b.axis && sameBlock && sameShape(Array.from(a.scale), Array.from(b.scale));
}

export function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape) && sameQuant(a.quant, b.quant);
}
