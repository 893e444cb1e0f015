import { LayerNormField, Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { elementCount, normalizeAxis, type TensorType, zeros } from "../tensor/index.ts";
import { attr, defineOp, wave } from "./define.ts";
import { f32Bits } from "./lowering.ts";

function rowsOf(node: Node, x: TensorType): { rows: number; n: number } {
  const axis = normalizeAxis(node.attrs.axis as number, x.shape.length);
  return { rows: elementCount(x.shape.slice(0, axis)), n: elementCount(x.shape.slice(axis)) };
}

/** Normalization over the axes from `axis` on, then scale and bias; the statistics are not given out. */
export const LayerNormalization = defineOp({
  attrs: { axis: attr.int(-1), epsilon: attr.float(1e-5), stash_type: attr.int(1) },
  arity: [2, 3],
  tolerance: 2e-6,
  infer({ node, inputs: [x, scale, bias] }) {
    const { n } = rowsOf(node, x!);
    if (node.outputs.length > 1) throw new RangeError("the outputs of mean and deviation are not supported");
    for (const t of [scale, bias]) if (t && elementCount(t.shape) !== n) throw new RangeError(`[${t.shape}] does not fit rows of ${n}`);
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  eval({ node, inputs: [x, scale, bias] }) {
    const out = zeros(x!);
    const { rows, n } = rowsOf(node, x!);
    for (let r = 0; r < rows; r++) {
      const row = Array.from(x!.data.subarray(r * n, r * n + n));
      const mean = row.reduce((s, v) => s + v, 0) / n;
      const variance = row.reduce((s, v) => s + (v - mean) ** 2, 0) / n;
      const factor = 1 / Math.sqrt(variance + (node.attrs.epsilon as number));
      for (let i = 0; i < n; i++) out.data[r * n + i] = (row[i] - mean) * factor * scale!.data[i] + (bias ? bias.data[i] : 0);
    }
    return [out];
  },
  lower(ctx) {
    const [x, scale, bias] = ctx.node.inputs;
    const { rows, n } = rowsOf(ctx.node, ctx.type(x));
    ctx.emit(Op.f32_layernorm, {
      [LayerNormField.rows]: rows,
      [LayerNormField.n]: n,
      [LayerNormField.a]: ctx.place(x),
      [LayerNormField.scale]: ctx.place(scale),
      [LayerNormField.bias]: bias ? ctx.place(bias) : 0,
      [LayerNormField.c]: ctx.place(ctx.node.outputs[0]),
      [LayerNormField.epsilon]: f32Bits(ctx.node.attrs.epsilon as number),
    });
  },
  cases: [
    { name: "last axis", inputs: [wave([4, 13]), wave([13], 2), wave([13], 3)], constants: [1, 2] },
    { name: "two axes, no bias", inputs: [wave([3, 4, 5]), wave([4, 5], 2)], attrs: { axis: 1, epsilon: 1e-3 }, constants: [1] },
  ],
});
