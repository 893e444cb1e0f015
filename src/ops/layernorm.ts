import { LayerNormField, Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { elementCount, normalizeAxis, type TensorType, zeros } from "../tensor/index.ts";
import { reshaped } from "./conv-axes.ts";
import { attr, defineOp, wave } from "./define.ts";
import { f32Bits } from "./lowering.ts";
import { standardized } from "./normalization.ts";

/** How many rows of how many elements lie along the axes from `axis` on. */
export function rowsOf(node: Node, x: TensorType): { rows: number; n: number } {
  const axis = normalizeAxis(node.attrs.axis as number, x.shape.length);
  return { rows: elementCount(x.shape.slice(0, axis)), n: elementCount(x.shape.slice(axis)) };
}

/** Normalization over the axes from `axis` on, then scale and bias; further outputs are the mean and 1 / √(variance + epsilon). */
export const LayerNormalization = defineOp({
  attrs: { axis: attr.int(-1), epsilon: attr.float(1e-5), stash_type: attr.int(1) },
  arity: [2, 3],
  tolerance: 2e-6,
  infer({ node, inputs: [x, scale, bias] }) {
    const { n } = rowsOf(node, x!);
    for (const t of [scale, bias]) if (t && elementCount(t.shape) !== n) throw new RangeError(`[${t.shape}] does not fit rows of ${n}`);
    const axis = normalizeAxis(node.attrs.axis as number, x!.shape.length);
    const statistics = { dtype: x!.dtype, shape: x!.shape.map((d, i) => (i < axis ? d : 1)) };
    return [{ dtype: x!.dtype, shape: x!.shape }, statistics, statistics];
  },
  eval({ node, inputs: [x, scale, bias] }) {
    const out = zeros(x!);
    const { rows, n } = rowsOf(node, x!);
    const axis = normalizeAxis(node.attrs.axis as number, x!.shape.length);
    const [means, factors] = [0, 1].map(() => zeros({ dtype: "f32", shape: x!.shape.map((d, i) => (i < axis ? d : 1)) }));
    for (let r = 0; r < rows; r++) {
      const row = Array.from(x!.data.subarray(r * n, r * n + n));
      const mean = row.reduce((s, v) => s + v, 0) / n;
      const variance = row.reduce((s, v) => s + (v - mean) ** 2, 0) / n;
      const factor = 1 / Math.sqrt(variance + (node.attrs.epsilon as number));
      for (let i = 0; i < n; i++) out.data[r * n + i] = (row[i] - mean) * factor * scale!.data[i] + (bias ? bias.data[i] : 0);
      means.data[r] = mean;
      factors.data[r] = factor;
    }
    return [out, means, factors];
  },
  decompose(parts) {
    const { inputs, outputs, attrs } = parts.node;
    if (outputs.length === 1) return;
    const [x, scale, bias] = inputs;
    const { shape } = parts.type(x);
    const first = normalizeAxis(attrs.axis as number, shape.length);
    const axes = shape.slice(first).map((_, i) => first + i);
    const { value, mean, inverse } = standardized(parts, x, axes, attrs.epsilon as number);
    const scaled = parts.add("Mul", [value, reshaped(parts, scale, shape.slice(first))]);
    const shifted = bias ? parts.add("Add", [scaled, reshaped(parts, bias, shape.slice(first))]) : scaled;
    for (const [i, result] of [shifted, mean, inverse].slice(0, outputs.length).entries())
      parts.add("Identity", [result], {}, [outputs[i]]);
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
    { name: "statistics", inputs: [wave([3, 4, 5]), wave([5], 2), wave([5], 3)], outputs: 3 },
    { name: "mean alone, all axes", inputs: [wave([3, 4]), wave([3, 4], 2)], attrs: { axis: 0 }, outputs: 2 },
  ],
});
