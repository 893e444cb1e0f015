/**
 * Scale and zero point as ONNX gives them: inputs 1 and 2 of QuantizeLinear and DequantizeLinear, one of each for the tensor, for every slice
 * along `axis`, or for every block of `block_size` along it.
 */
import type { Node } from "../graph/graph.ts";
import {
  blockedShape,
  channelIndex,
  type DType,
  elementCount,
  normalizeAxis,
  type Quant,
  scaleIndex,
  type Tensor,
  type TensorType,
} from "../tensor/index.ts";
import { attr, type Decomposition } from "./define.ts";

export const PARAM_ATTRS = { axis: attr.int(1), block_size: attr.int(0) };

/** Integers that ONNX's grids hold. */
const RANGES: ReadonlyMap<DType, readonly [lo: number, hi: number]> = new Map([
  ["u8", [0, 255]],
  ["i8", [-128, 127]],
]);

/** The range of an element type; throws RangeError for one that has no grids here. */
export function rangeOf(dtype: DType): readonly [lo: number, hi: number] {
  const range = RANGES.get(dtype);
  if (!range) throw new RangeError("grids of other integers than int8 and uint8 are not supported");
  return range;
}

/** Which scale belongs to a flat index of x; throws RangeError where scale or zero point do not fit. */
export function paramIndex(node: Node, x: TensorType, scale: TensorType, zero: TensorType | undefined): (index: number) => number {
  const count = elementCount(scale.shape);
  if (scale.dtype !== "f32") throw new RangeError(`the scale is ${scale.dtype}, not f32`);
  if (zero && elementCount(zero.shape) !== count) throw new RangeError(`${count} scales and zero points of shape [${zero.shape}]`);
  if (count === 1) return () => 0;
  const axis = normalizeAxis(node.attrs.axis as number, x.shape.length);
  const block = node.attrs.block_size as number;
  if (block === 0) {
    if (scale.shape.length !== 1 || count !== x.shape[axis])
      throw new RangeError(`scales [${scale.shape}] do not fit axis ${axis} of [${x.shape}]`);
    return channelIndex(x.shape, axis);
  }
  if (block < 0 || String(scale.shape) !== String(blockedShape(x.shape, { axis, size: block })))
    throw new RangeError(`scales [${scale.shape}] do not fit blocks of ${block} along axis ${axis} of [${x.shape}]`);
  return scaleIndex(x.shape, { block: { axis, size: block } });
}

/** The IR's grid of a whole tensor whose integers are `dtype`; undefined where it has none for these parameters. */
export function gridOfParams(dtype: DType, scale: Tensor | undefined, zero: Tensor | undefined): Quant | undefined {
  if (scale?.data.length !== 1 || !isScale(scale.data[0]) || !RANGES.has(dtype)) return undefined;
  return { scale: Float32Array.from(scale.data), zero: (zero?.data[0] ?? 0) - offsetOf(dtype) };
}

/**
 * A constant as i8 on a grid: with zero 0 where its integers less their zero points fit, else as a whole on one grid; undefined where the IR has no
 * grid for it.
 */
export function constantOnGrid(node: Node, x: Tensor, scale: Tensor | undefined, zero: Tensor | undefined): Tensor | undefined {
  if (!RANGES.has(x.dtype) || !scale || !Array.from(scale.data).every(isScale)) return undefined;
  const param = paramIndex(node, x, scale, zero);
  const centred = shifted(x, (i) => (zero ? zero.data[param(i)] : 0));
  if (centred) return { dtype: "i8", shape: x.shape, quant: { ...spreadOf(node, x, scale), zero: 0 }, data: centred };
  const quant = gridOfParams(x.dtype, scale, zero);
  return quant && { dtype: "i8", shape: x.shape, quant, data: Int8Array.from(x.data, (q) => q - offsetOf(x.dtype)) };
}

/** The scales of a constant's grid, and what each of them is for. */
function spreadOf(node: Node, x: TensorType, scale: Tensor): Omit<Quant, "zero"> {
  const values = Float32Array.from(scale.data);
  if (values.length === 1) return { scale: values };
  const axis = normalizeAxis(node.attrs.axis as number, x.shape.length);
  const size = node.attrs.block_size as number;
  return size === 0 ? { scale: values, axis } : { scale: values, block: { axis, size } };
}

/** Integers less their zero points, where all of them fit i8. */
function shifted(x: Tensor, zeroOf: (index: number) => number): Int8Array | undefined {
  const data = new Int8Array(x.data.length);
  for (let i = 0; i < data.length; i++) {
    const q = x.data[i] - zeroOf(i);
    if (q < -128 || q > 127) return undefined;
    data[i] = q;
  }
  return data;
}

/** Scale or zero point as f32 that broadcasts against x, where they are computed while the model runs or vary along an axis. */
export function spreadParam(parts: Decomposition, param: string, x: TensorType): string {
  const type = parts.type(param);
  const real = type.dtype === "f32" ? param : parts.add("Cast", [param], { to: 1 });
  if (parts.node.attrs.block_size !== 0) throw new RangeError("blocks along an axis are supported for constants only");
  if (elementCount(type.shape) === 1 && type.shape.length <= x.shape.length) return real;
  const shape =
    elementCount(type.shape) === 1
      ? []
      : x.shape.map((d, i) => (i === normalizeAxis(parts.node.attrs.axis as number, x.shape.length) ? d : 1));
  return parts.add("Reshape", [real, parts.value({ dtype: "i64", shape: [shape.length], data: Float64Array.from(shape) })]);
}

const isScale = (scale: number): boolean => scale > 0 && Number.isFinite(scale);

/** What an integer of this type loses as it becomes i8. */
const offsetOf = (dtype: DType): number => (dtype === "u8" ? 128 : 0);
