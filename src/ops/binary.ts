import { ElementBinary } from "../../assembly/shared/elementwise.ts";
import { Binary, BinaryField, Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { clamp, type DType, f32, gridBounds, requantize, roundEven, type Tensor, type TensorType, tensor, zeros } from "../tensor/index.ts";
import { pointwise } from "./bound.ts";
import { broadcastDims, broadcastReader, commonShape } from "./broadcast.ts";
import { defineOp, type OpDef, type QuantizeRule, wave } from "./define.ts";
import { emitElementBinary, permutesAll } from "./element.ts";
import { ACTIVATION } from "./linear.ts";
import { f32Bits, type Lowering } from "./lowering.ts";

export interface BinaryRow {
  readonly kind: Binary;
  readonly real: (a: number, b: number) => number;
  /** Where it differs from `real`: on integers; results wrap to their width. */
  readonly integer?: (a: number, b: number, dtype: DType) => number;
  readonly quantize?: QuantizeRule;
  readonly tolerance?: number;
}

const rescale: QuantizeRule = { kind: "rescale" };

const ROWS = {
  Add: { kind: Binary.add, real: (a, b) => a + b, quantize: rescale },
  Sub: { kind: Binary.sub, real: (a, b) => a - b, quantize: rescale },
  Mul: {
    kind: Binary.mul,
    real: (a, b) => a * b,
    integer: (a, b, dtype) => (dtype === "i64" ? a * b : Math.imul(a, b)),
    quantize: rescale,
  },
  Div: { kind: Binary.div, real: (a, b) => a / b, integer: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)) },
  Min: { kind: Binary.min, real: Math.min },
  Max: { kind: Binary.max, real: Math.max },
} satisfies Record<string, BinaryRow>;

/** What integers have in their place. */
const INTEGER_KINDS: ReadonlyMap<Binary, ElementBinary> = new Map([
  [Binary.add, ElementBinary.add],
  [Binary.sub, ElementBinary.sub],
  [Binary.mul, ElementBinary.mul],
  [Binary.div, ElementBinary.div],
  [Binary.pow, ElementBinary.pow],
  [Binary.min, ElementBinary.min],
  [Binary.max, ElementBinary.max],
]);

/** The definition on grids, of integers less their zeros (docs/quantization.md). */
function onGrids(kind: Binary, node: Node, a: Tensor, b: Tensor): (x: number, y: number) => number {
  const { scale, zero } = node.quant!;
  const { lo, hi } = gridBounds(node.quant!, node.attrs.min as number, node.attrs.max as number);
  const { a_scale, b_scale } = factors(kind, a, b, scale[0]);
  if (kind === Binary.mul) return (x, y) => requantize(x * y, a_scale, zero, lo, hi);
  const sign = kind === Binary.sub ? -1 : 1;
  return (x, y) => roundEven(clamp(Math.fround(Math.fround(x * a_scale) + sign * Math.fround(y * b_scale)), lo - zero, hi - zero)) + zero;
}

function factors(kind: Binary, a: TensorType, b: TensorType, scale: number): { a_scale: number; b_scale: number } {
  const [sa, sb] = [a.quant!.scale[0], b.quant!.scale[0]];
  if (kind === Binary.mul) return { a_scale: Math.fround(Math.fround(sa * sb) / scale), b_scale: 0 };
  return { a_scale: Math.fround(sa / scale), b_scale: Math.fround(sb / scale) };
}

/** An operator of two operands, by the row that describes it. */
export function binary(name: string, row: BinaryRow): OpDef {
  return defineOp({
    attrs: ACTIVATION,
    arity: [2, 2],
    tolerance: row.tolerance ?? "exact",
    infer({ node, inputs: [a, b] }) {
      const shape = commonShape([a, b]);
      if (node.quant) return [{ dtype: "i8", shape, quant: node.quant }];
      if (a!.dtype !== b!.dtype) throw new RangeError(`operands are ${a!.dtype} and ${b!.dtype}; they must be alike`);
      if (a!.dtype === "bool") throw new RangeError("takes numbers, not bool");
      const { min, max } = node.attrs as Record<string, number>;
      if (a!.dtype !== "f32" && (min > Number.NEGATIVE_INFINITY || max < Number.POSITIVE_INFINITY))
        throw new RangeError(`bounds on ${a!.dtype} are not supported`);
      return [{ dtype: a!.dtype, shape }];
    },
    eval({ node, inputs: [a, b] }) {
      const shape = commonShape([a, b]);
      const out = zeros(node.quant ? { dtype: "i8", shape, quant: node.quant } : { dtype: a!.dtype, shape });
      const { min, max } = node.attrs as Record<string, number>;
      const { integer, real } = row;
      const f = node.quant
        ? onGrids(row.kind, node, a!, b!)
        : a!.dtype !== "f32" && integer
          ? (x: number, y: number) => integer(x, y, a!.dtype)
          : (x: number, y: number) => clamp(real(x, y), min, max);
      const [za, zb] = [a!.quant?.zero ?? 0, b!.quant?.zero ?? 0];
      const [left, right] = [broadcastReader(a!, shape), broadcastReader(b!, shape)];
      for (let i = 0; i < out.data.length; i++) out.data[i] = f(left(i) - za, right(i) - zb);
      return [out];
    },
    upgrade: upgradeBinary,
    permute: (_node, perm, { inputs }) => (permutesAll(perm, inputs) ? { inputs: "all", perm } : undefined),
    bound: pointwise,
    quantize: row.quantize,
    lower: (ctx) => lowerBinary(ctx, row.kind),
    cases: [
      { name: `${name} same shape`, inputs: [positive(wave([3, 7])), wave([3, 7], 2)] },
      { name: `${name} scalar`, inputs: [positive(wave([2, 9])), f32([0.5], [])], constants: [1] },
      { name: `${name} channel`, inputs: [positive(wave([2, 3, 5])), wave([5], 2)], constants: [1], attrs: { min: -0.25, max: 0.25 } },
      { name: `${name} both stretched`, inputs: [positive(wave([2, 1, 4])), wave([3, 1], 2)] },
      { name: `${name} i32`, inputs: [tensor("i32", [-7, 7, 65537, -2147483648, 5]), tensor("i32", [2, -2, 65537, -1, 0])] },
      { name: `${name} u8`, inputs: [tensor("u8", [250, 3, 7, 0], [2, 2]), tensor("u8", [7, 2])] },
    ],
  });
}

/** Max-8 and Min-8 take any number of operands; here they are chains. */
const upgradeBinary: NonNullable<OpDef["upgrade"]> = (node, ctx) => {
  const { inputs, outputs, name } = node;
  if (inputs.length === 1) return [{ ...node, op: "Identity" }];
  let left = inputs[0];
  return inputs.slice(1).map((right, i, all) => {
    const out = i === all.length - 1 ? outputs[0] : ctx.fresh();
    const step = { ...node, name: i ? `${name}.${i}` : name, inputs: [left, right], outputs: [out] };
    left = out;
    return step;
  });
};

const positive = (x: Tensor): Tensor => ({ ...x, data: Float32Array.from(x.data, (v) => v + 1.5) });

export const Add = binary("Add", ROWS.Add);
export const Sub = binary("Sub", ROWS.Sub);
export const Mul = binary("Mul", ROWS.Mul);
export const Div = binary("Div", ROWS.Div);
export const Min = binary("Min", ROWS.Min);
export const Max = binary("Max", ROWS.Max);

function lowerBinary(ctx: Lowering, kind: Binary): void {
  const { node } = ctx;
  const [ta, tb] = node.inputs.map((input) => ctx.type(input));
  const out = ctx.type(node.outputs[0]);
  if (!node.quant && out.dtype !== "f32") {
    emitElementBinary(ctx, INTEGER_KINDS.get(kind)!);
    return;
  }
  const {
    dims: d,
    strides: [a, b],
  } = broadcastDims(out.shape, [ta.shape, tb.shape]);
  const { min, max } = node.attrs as Record<string, number>;
  const { lo, hi } = node.quant ? gridBounds(node.quant, min, max) : { lo: f32Bits(min), hi: f32Bits(max) };
  const scales = node.quant ? factors(kind, ta, tb, node.quant.scale[0]) : { a_scale: 0, b_scale: 0 };
  ctx.emit(node.quant ? Op.qs8_binary : Op.f32_binary, {
    [BinaryField.kind]: kind,
    [BinaryField.d0]: d[0],
    [BinaryField.d1]: d[1],
    [BinaryField.d2]: d[2],
    [BinaryField.d3]: d[3],
    [BinaryField.d4]: d[4],
    [BinaryField.d5]: d[5],
    [BinaryField.a]: ctx.place(node.inputs[0]),
    [BinaryField.a0]: a[0],
    [BinaryField.a1]: a[1],
    [BinaryField.a2]: a[2],
    [BinaryField.a3]: a[3],
    [BinaryField.a4]: a[4],
    [BinaryField.a5]: a[5],
    [BinaryField.b]: ctx.place(node.inputs[1]),
    [BinaryField.b0]: b[0],
    [BinaryField.b1]: b[1],
    [BinaryField.b2]: b[2],
    [BinaryField.b3]: b[3],
    [BinaryField.b4]: b[4],
    [BinaryField.b5]: b[5],
    [BinaryField.c]: ctx.place(node.outputs[0]),
    [BinaryField.lo]: lo,
    [BinaryField.hi]: hi,
    [BinaryField.a_zero]: ta.quant?.zero ?? 0,
    [BinaryField.b_zero]: tb.quant?.zero ?? 0,
    [BinaryField.c_zero]: node.quant?.zero ?? 0,
    [BinaryField.a_scale]: f32Bits(scales.a_scale),
    [BinaryField.b_scale]: f32Bits(scales.b_scale),
  });
}
