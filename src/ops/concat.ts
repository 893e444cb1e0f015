import { Op, TableField } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import {
  DTYPES,
  dequantizeValue,
  elementCount,
  normalizeAxis,
  type Quant,
  quantizeValue,
  sameQuant,
  stridesOf,
  type Tensor,
  type TensorType,
  withShape,
  zeros,
} from "../tensor/index.ts";
import { beside } from "./bound.ts";
import { attr, defineOp, type InferContext, type OpCase, wave } from "./define.ts";
import { coalesce, copyElements, emitMove, type Move } from "./mover.ts";

function joined({ node, inputs }: Pick<InferContext, "node" | "inputs">): TensorType {
  const first = inputs[0]!;
  const axis = normalizeAxis(node.attrs.axis as number, first.shape.length);
  if (first.shape.length === 0) throw new RangeError("scalars cannot be joined");
  let length = 0;
  for (const x of inputs) {
    if (x!.dtype !== first.dtype) throw new RangeError(`inputs are ${first.dtype} and ${x!.dtype}`);
    if (!x!.quant !== !first.quant) throw new RangeError("some inputs are on a grid and some are not");
    if (x!.shape.length !== first.shape.length || x!.shape.some((d, i) => i !== axis && d !== first.shape[i]))
      throw new RangeError(`[${x!.shape}] does not continue [${first.shape}] along axis ${axis}`);
    length += x!.shape[axis];
  }
  const type = withShape(first, first.shape.with(axis, length));
  return first.quant && node.quant ? { ...type, quant: node.quant } : type;
}

function movesOf(node: Node, inputs: readonly (TensorType | undefined)[], out: TensorType): Move[] {
  const axis = normalizeAxis(node.attrs.axis as number, out.shape.length);
  const dstStrides = stridesOf(out.shape);
  let dst = 0;
  return inputs.map((x, input) => {
    const move = { input, output: 0, dims: x!.shape, src: 0, srcStrides: stridesOf(x!.shape), dst, dstStrides };
    dst += x!.shape[axis] * dstStrides[axis];
    return coalesce(move);
  });
}

/** The table that takes integers from one grid to another: dequantized, then quantized. */
function regridTable(from: Quant, to: Quant): Int8Array {
  return Int8Array.from({ length: 256 }, (_, i) => quantizeValue(dequantizeValue(i - 128, from.scale[0], from.zero), to.scale[0], to.zero));
}

/** Joins along `axis`. In int8 each input may have a grid of its own; the output has `quant`. */
export const Concat = defineOp({
  attrs: { axis: attr.required(attr.int()) },
  arity: [1, Number.POSITIVE_INFINITY],
  tolerance: "exact",
  infer: (ctx) => [joined(ctx)],
  eval: ({ node, inputs }): Tensor[] => {
    const out = zeros(joined({ node, inputs }));
    for (const move of movesOf(node, inputs, out)) {
      const { data, quant } = inputs[move.input]!;
      const table = quant && out.quant && !sameQuant(quant, out.quant) ? regridTable(quant, out.quant) : undefined;
      if (elementCount(move.dims) > 0) copyElements(table ? data.map((q) => table[q + 128]) : data, out.data, move);
    }
    return [out];
  },
  upgrade: (node) => [node.attrs.axis === undefined ? { ...node, attrs: { ...node.attrs, axis: 1 } } : node],
  permute: (node, perm, { inputs }) => {
    const axis = normalizeAxis(node.attrs.axis as number, inputs[0]!.shape.length);
    return { attrs: { ...node.attrs, axis: perm.indexOf(axis) }, inputs: "all", perm };
  },
  bound: (ctx) => beside(normalizeAxis(ctx.node.attrs.axis as number, ctx.output.shape.length), ctx),
  quantize: { kind: "rescale" },
  lower: (ctx) => {
    const { node } = ctx;
    const out = ctx.type(node.outputs[0]);
    const types = node.inputs.map((name) => ctx.type(name));
    const size = DTYPES[out.dtype].bytes;
    for (const move of movesOf(node, types, out)) {
      const n = elementCount(move.dims);
      if (n === 0) continue;
      const { quant } = types[move.input];
      let from = ctx.place(node.inputs[move.input]);
      if (quant && out.quant && !sameQuant(quant, out.quant)) {
        const c = ctx.scratch(n);
        const table = ctx.image(regridTable(quant, out.quant));
        ctx.emit(Op.qs8_table, { [TableField.n]: n, [TableField.a]: from, [TableField.table]: table, [TableField.c]: c });
        from = c;
      }
      emitMove(ctx, move, from, ctx.place(node.outputs[0]), size);
    }
  },
  cases: [
    { name: "channels", inputs: [wave([2, 3, 2]), wave([2, 1, 2], 2)], attrs: { axis: 1 } },
    { name: "three along the last axis", inputs: [wave([2, 2]), wave([2, 1], 2), wave([2, 3], 3)], attrs: { axis: -1 } },
    gridCase(),
  ],
});

function gridCase(): OpCase {
  const onGrid = (scale: number, zero: number, q: readonly number[]): Tensor => ({
    dtype: "i8",
    shape: [2, 2],
    quant: { scale: Float32Array.of(scale), zero },
    data: Int8Array.from(q),
  });
  return {
    name: "int8, three grids",
    inputs: [onGrid(0.1, 3, [-128, 0, 3, 127]), onGrid(0.02, -7, [-128, -7, 50, 127])],
    attrs: { axis: 1 },
    quant: { scale: Float32Array.of(0.05), zero: -20 },
  };
}
