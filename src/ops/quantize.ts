import { Op, QuantizeField } from "../../assembly/shared/plan.ts";
import { dequantizeTensor, elementCount, f32, type Quant, quantizeTensor, quantizeValue } from "../tensor/index.ts";
import { defineOp, wave } from "./define.ts";
import { f32Bits, type Lowering } from "./lowering.ts";
import { emitTable } from "./unary.ts";

/** Puts its input on the node's grid: reals are quantized, integers on another grid are moved to this one. */
export const QuantizeLinear = defineOp({
  attrs: {},
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ node, inputs: [x] }) => {
    if (!node.quant) throw new RangeError("a model that is already quantized is not supported yet");
    return [{ dtype: "i8", shape: x!.shape, quant: node.quant }];
  },
  eval: ({ node, inputs: [x] }) => [quantizeTensor(x!.quant ? dequantizeTensor(x!) : x!, node.quant!)],
  permute: (_node, perm) => ({ inputs: "all", perm }),
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
  cases: [{ name: "reals", inputs: [f32([-3, -0.5, 0.25, 0.75, 1, 9, Number.NaN])], quant: { scale: Float32Array.of(0.5), zero: 3 } }],
});

/** The reals that integers on a grid stand for. Of a constant, it keeps the constant stored on its grid. */
export const DequantizeLinear = defineOp({
  attrs: {},
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ inputs: [x] }) => {
    if (!x!.quant) throw new RangeError("a model that is already quantized is not supported yet");
    return [{ dtype: "f32", shape: x!.shape }];
  },
  eval: ({ inputs: [x] }) => [dequantizeTensor(x!)],
  permute: (_node, perm) => ({ inputs: "all", perm }),
  lower: (ctx) => {
    const x = ctx.type(ctx.node.inputs[0]);
    emitBetween(ctx, Op.qs8_dequantize, x.quant!, elementCount(x.shape));
  },
  cases: [{ name: "integers", inputs: [quantizeTensor(wave([3, 9]), { scale: Float32Array.of(0.01), zero: -5 })] }],
});

function emitBetween(ctx: Lowering, op: Op.qs8_quantize | Op.qs8_dequantize, quant: Quant, n: number): void {
  ctx.emit(op, {
    [QuantizeField.n]: n,
    [QuantizeField.a]: ctx.place(ctx.node.inputs[0]),
    [QuantizeField.c]: ctx.place(ctx.node.outputs[0]),
    [QuantizeField.scale]: f32Bits(quant.scale[0]),
    [QuantizeField.zero]: quant.zero,
  });
}
