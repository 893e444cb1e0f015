import { Op, QuantizeField } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import {
  clamp,
  type DType,
  dequantizeTensor,
  elementCount,
  f32,
  type Quant,
  quantizeTensor,
  quantizeValue,
  roundEven,
  type Tensor,
  type TensorType,
  tensor,
} from "../tensor/index.ts";
import { attr, type Decomposition, defineOp, wave } from "./define.ts";
import { ELEMENT_CODES, ELEMENT_TYPES, elementTypeName } from "./element-type.ts";
import { constantOnGrid, gridOfParams, PARAM_ATTRS, paramIndex, rangeOf, spreadParam } from "./grid-params.ts";
import { f32Bits, type Lowering } from "./lowering.ts";
import { emitTable } from "./unary.ts";

/** The range of integers that values are rounded to, by ONNX's code. */
const RANGES: ReadonlyMap<number, readonly [lo: number, hi: number]> = new Map([
  [2, [0, 255]],
  [3, [-128, 127]],
  [4, [0, 65535]],
  [5, [-32768, 32767]],
  [21, [0, 15]],
  [22, [-8, 7]],
]);

interface Written {
  readonly dtype: DType;
  readonly lo: number;
  readonly hi: number;
}

/** The integers that ONNX's form writes: those of the attribute, or of the zero point, or u8. Throws RangeError for others. */
function writtenType(node: Node, zero: TensorType | undefined): Written {
  const code = (node.attrs.output_dtype as number) || ELEMENT_CODES[zero?.dtype ?? "u8"];
  const range = RANGES.get(code);
  if (!range) throw new RangeError(`quantization to ${elementTypeName(code)} is not supported`);
  return { dtype: ELEMENT_TYPES.get(code)!.dtype, lo: range[0], hi: range[1] };
}

/**
 * The IR's form has one input and a grid: reals are quantized, integers on another grid are moved to this one. ONNX's form has scale and
 * zero point as inputs, and writes integers without a grid; it is taken apart.
 */
export const QuantizeLinear = defineOp({
  attrs: { ...PARAM_ATTRS, saturate: attr.int(1), output_dtype: attr.int(0), precision: attr.int(0) },
  arity: [1, 3],
  tolerance: "exact",
  infer: ({ node, inputs: [x, scale, zero] }) => {
    if (node.quant) return [{ dtype: "i8", shape: x!.shape, quant: node.quant }];
    if (!scale) throw new RangeError("the scale is missing");
    const { dtype } = writtenType(node, zero);
    paramIndex(node, x!, scale, zero);
    return [{ dtype, shape: x!.shape }];
  },
  eval: ({ node, inputs: [x, scale, zero] }) => {
    if (node.quant) return [quantizeTensor(x!.quant ? dequantizeTensor(x!) : x!, node.quant)];
    const { dtype, lo, hi } = writtenType(node, zero);
    const param = paramIndex(node, x!, scale!, zero);
    const quantized = (v: number, i: number): number => {
      const z = zero ? zero.data[param(i)] : 0;
      const q = Math.fround(Math.fround(v) / scale!.data[param(i)]);
      return Number.isNaN(q) ? z : clamp(roundEven(q) + z, lo, hi);
    };
    return [tensor(dtype, Array.from(x!.data, quantized), x!.shape)];
  },
  permute: ({ quant }, perm) => (quant ? { inputs: "all", perm } : undefined),
  upgrade: (node, { elementType }) => {
    const code = node.inputs[2] ? elementType(node.inputs[2]) : undefined;
    return code === undefined || code === 2 || code === 3 ? [node] : [{ ...node, attrs: { ...node.attrs, output_dtype: code } }];
  },
  decompose: takeQuantizeApart,
  lower(ctx) {
    const { node } = ctx;
    const x = ctx.type(node.inputs[0]);
    const { scale, zero } = node.quant!;
    const n = elementCount(x.shape);
    if (!x.quant) return emitBetween(ctx, Op.qs8_quantize, node.quant!, n);
    const from = x.quant;
    const table = Int8Array.from({ length: 256 }, (_, i) =>
      quantizeValue(Math.fround((i - 128 - from.zero) * from.scale[0]), scale[0], zero),
    );
    emitTable(ctx, table, n);
  },
  cases: [
    { name: "reals", inputs: [f32([-3, -0.5, 0.25, 0.75, 1, 9, Number.NaN])], quant: { scale: Float32Array.of(0.5), zero: 3 } },
    { name: "to u8", inputs: [wave([3, 5]), f32([0.02], []), tensor("u8", [100], [])], constants: [1, 2] },
    { name: "no zero point", inputs: [wave([3, 5]), f32([0.005], [1])], constants: [1] },
    { name: "computed parameters", inputs: [wave([3, 5]), f32([0.02]), tensor("i8", [-7])] },
    ...[4, 5, 21, 22].map((code) => ({
      name: `to integers of type ${code}`,
      inputs: [f32([-3, -0.5, 0.25, 0.75, 1, 9, Number.NaN, 1e6]), f32([0.1], [])],
      attrs: { output_dtype: code },
      constants: [1],
    })),
    { name: "to i8 along an axis", inputs: [wave([2, 3, 2]), f32([0.02, 0.01, 0.1]), tensor("i8", [0, 5, -100])], constants: [1, 2] },
  ],
});

function takeQuantizeApart(parts: Decomposition): void {
  const { node } = parts;
  if (node.quant) return;
  const [x, scale, zero] = node.inputs;
  const type = parts.type(x);
  const { dtype, lo, hi } = writtenType(node, zero ? parts.type(zero) : undefined);
  const grid =
    hi - lo === 255 && (!zero || parts.constant(zero))
      ? gridOfParams(dtype, parts.constant(scale), zero ? parts.constant(zero) : undefined)
      : undefined;
  const real = type.dtype === "f32" ? x : parts.add("Cast", [x], { to: 1 });
  if (grid) {
    parts.add("FromGrid", [parts.add("QuantizeLinear", [real], {}, undefined, grid)], { to: dtype }, node.outputs);
    return;
  }
  const rounded = parts.add("Round", [parts.add("Div", [real, spreadParam(parts, scale, type)])]);
  const moved = zero ? parts.add("Add", [rounded, spreadParam(parts, zero, type)]) : rounded;
  const bounds = [lo, hi].map((bound) => parts.value(f32([bound], [])));
  parts.add("Cast", [parts.add("Clip", [moved, ...bounds])], { to: ELEMENT_CODES[dtype] }, node.outputs);
}

/**
 * The reals that integers stand for: those on a grid in the IR's form, which of a constant keeps it stored on its grid, and those of ONNX's
 * form, which has scale and zero point as inputs and is taken apart.
 */
export const DequantizeLinear = defineOp({
  attrs: { ...PARAM_ATTRS, output_dtype: attr.int(0) },
  arity: [1, 3],
  tolerance: "exact",
  infer: ({ node, inputs: [x, scale, zero] }) => {
    if (!x!.quant) {
      if (!scale) throw new RangeError("the scale is missing");
      if (x!.dtype !== "i32") rangeOf(x!.dtype);
      paramIndex(node, x!, scale, zero);
    }
    return [{ dtype: "f32", shape: x!.shape }];
  },
  eval: ({ node, inputs: [x, scale, zero] }): Tensor[] => {
    if (x!.quant) return [dequantizeTensor(x!)];
    const param = paramIndex(node, x!, scale!, zero);
    const real = (q: number, i: number): number => Math.fround(q - (zero ? zero.data[param(i)] : 0)) * scale!.data[param(i)];
    return [f32(Array.from(x!.data, real), x!.shape)];
  },
  keep: ({ node, constant }) => {
    const x = constant(0);
    return x !== undefined && (x.quant !== undefined || constantOnGrid(node, x, constant(1), constant(2)) !== undefined);
  },
  permute: (node, perm) => (node.inputs.length === 1 ? { inputs: "all", perm } : undefined),
  decompose: takeDequantizeApart,
  lower: (ctx) => {
    const x = ctx.type(ctx.node.inputs[0]);
    emitBetween(ctx, Op.qs8_dequantize, x.quant!, elementCount(x.shape));
  },
  cases: [
    { name: "integers", inputs: [quantizeTensor(wave([3, 9]), { scale: Float32Array.of(0.01), zero: -5 })] },
    { name: "of u8", inputs: [tensor("u8", [0, 3, 128, 255]), f32([0.5], []), tensor("u8", [128], [])], constants: [1, 2] },
    { name: "of i32", inputs: [tensor("i32", [-70000, 3, 128]), f32([0.5], [])], constants: [1] },
    { name: "computed parameters", inputs: [tensor("i8", [-128, 3, 127]), f32([0.5]), tensor("i8", [5])] },
    { name: "along an axis", inputs: [tensor("u8", [0, 3, 128, 255], [2, 2]), f32([0.5, 2]), tensor("u8", [1, 9])], constants: [1, 2] },
  ],
});

function takeDequantizeApart(parts: Decomposition): void {
  const { node } = parts;
  const [x, scale, zero] = node.inputs;
  if (!scale) return;
  const type = parts.type(x);
  const data = parts.constant(x);
  const known = !zero || parts.constant(zero) !== undefined;
  const params = [parts.constant(scale), zero ? parts.constant(zero) : undefined] as const;
  const stored = data && known ? constantOnGrid(node, data, ...params) : undefined;
  const grid = known ? gridOfParams(type.dtype, ...params) : undefined;
  if (stored || grid) {
    const integers = stored ? parts.value(stored) : parts.add("ToGrid", [x], {}, undefined, grid);
    parts.add("DequantizeLinear", [integers], {}, node.outputs);
    return;
  }
  const real = parts.add("Cast", [x], { to: 1 });
  const centred = zero ? parts.add("Sub", [real, spreadParam(parts, zero, type)]) : real;
  parts.add("Mul", [centred, spreadParam(parts, scale, type)], {}, node.outputs);
}

function emitBetween(ctx: Lowering, op: Op.qs8_quantize | Op.qs8_dequantize, quant: Quant, n: number): void {
  ctx.emit(op, {
    [QuantizeField.n]: n,
    [QuantizeField.a]: ctx.place(ctx.node.inputs[0]),
    [QuantizeField.c]: ctx.place(ctx.node.outputs[0]),
    [QuantizeField.scale]: f32Bits(quant.scale[0]),
    [QuantizeField.zero]: quant.zero,
  });
}
