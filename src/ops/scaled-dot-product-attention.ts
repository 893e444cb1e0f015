import { AttentionField } from "../../assembly/shared/attention.ts";
import { F32_NR, PANEL_ROWS } from "../../assembly/shared/layout.ts";
import { Op } from "../../assembly/shared/plan.ts";
import { broadcastShapes, broadcastStrides, elementCount, sameShape, type TensorType, zeros } from "../tensor/index.ts";
import { attr, defineOp, wave } from "./define.ts";
import { f32Bits, type Lowering } from "./lowering.ts";

interface Sizes {
  readonly batch: number;
  readonly heads: number;
  /** Heads of keys and values; `heads / shared` neighbouring heads of queries read the same ones. */
  readonly shared: number;
  /** Queries, keys, and the sizes of a query and of a value in one head. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly size: number;
  /** How the mask is stepped through along batch, heads and queries; its columns are neighbours. */
  readonly mask: readonly number[];
}

/** Throws RangeError where queries, keys, values and mask do not fit. */
function sizesOf([q, keys, values, mask]: readonly (TensorType | undefined)[]): Sizes {
  if ([q, keys, values].some((x) => x!.dtype !== "f32" || x!.shape.length !== 4))
    throw new RangeError("takes f32 of [batch, length, heads, size]");
  const [batch, m, heads, k] = q!.shape;
  const [, n, shared] = keys!.shape;
  const size = values!.shape[3];
  if (!sameShape(keys!.shape, [batch, n, shared, k]) || !sameShape(values!.shape, [batch, n, shared, size]) || heads % shared !== 0)
    throw new RangeError(`[${q!.shape}], [${keys!.shape}] and [${values!.shape}] do not fit`);
  if (!mask) return { batch, heads, shared, m, n, k, size, mask: [0, 0, 0] };
  const scores = [batch, heads, m, n];
  const fits = mask.dtype === "f32" && mask.shape.at(-1) === n && sameShape(broadcastShapes(mask.shape, scores) ?? [], scores);
  if (!fits) throw new RangeError(`the mask [${mask.shape}] does not fit [${scores}]`);
  return { batch, heads, shared, m, n, k, size, mask: broadcastStrides(mask.shape, scores).slice(0, 3) };
}

/**
 * softmax(Q · Kᵀ · scale + mask) · V for each head. Queries [batch, queries, heads, size], keys and values [batch, keys, heads or a divisor of
 * them, size]; the mask broadcasts to [batch, heads, queries, keys], with a column for each key. The output is [batch, queries, heads, size of a value]:
 * heads are an axis of their own, in the order in which projections write them, so that splitting and merging them is a Reshape.
 */
export const ScaledDotProductAttention = defineOp({
  domain: "edgepack",
  attrs: { scale: attr.required(attr.float()) },
  arity: [3, 4],
  tolerance: 1e-5,
  infer: ({ inputs }) => {
    const { batch, m, heads, size } = sizesOf(inputs);
    return [{ dtype: "f32", shape: [batch, m, heads, size] }];
  },
  eval({ node, inputs }) {
    const [q, keys, values, mask] = inputs;
    const sizes = sizesOf(inputs);
    const { batch, heads, shared, m, n, k, size } = sizes;
    const out = zeros({ dtype: "f32", shape: [batch, m, heads, size] });
    for (let at = 0; at < batch * m * heads; at++) {
      const [b, i, h] = [Math.floor(at / (m * heads)), Math.floor(at / heads) % m, at % heads];
      const from = (j: number) => (b * n + j) * shared + Math.floor((h * shared) / heads);
      const row = b * sizes.mask[0] + h * sizes.mask[1] + i * sizes.mask[2];
      const scores = Array.from({ length: n }, (_, j) => {
        let dot = 0;
        for (let p = 0; p < k; p++) dot += q!.data[at * k + p] * keys!.data[from(j) * k + p];
        return dot * (node.attrs.scale as number) + (mask ? mask.data[row + j] : 0);
      });
      const top = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const weights = scores.map((score) => Math.exp(score - top));
      const sum = weights.reduce((a, b) => a + b, 0);
      for (let d = 0; d < size; d++)
        out.data[at * size + d] = weights.reduce((y, weight, j) => y + weight * values!.data[from(j) * size + d], 0) / sum;
    }
    return [out];
  },
  macs: (_node, [q, keys], output) => (elementCount(q!.shape) + elementCount(output.shape)) * keys!.shape[1],
  lower: lowerAttention,
  cases: [
    { name: "heads", inputs: [wave([2, 5, 3, 4]), wave([2, 7, 3, 4], 2), wave([2, 7, 3, 6], 3)], attrs: { scale: 0.5 } },
    {
      name: "groups of heads, a mask for each query",
      inputs: [wave([1, 50, 4, 8]), wave([1, 9, 2, 8], 2), wave([1, 9, 2, 8], 3), wave([50, 9], 4)],
      attrs: { scale: 0.35 },
      constants: [3],
    },
    {
      name: "keys that all heads share, a mask for each sequence",
      inputs: [wave([2, 3, 4, 8]), wave([2, 6, 1, 8], 2), wave([2, 6, 1, 8], 3), wave([2, 1, 1, 6], 4)],
      attrs: { scale: 1 },
    },
  ],
});

/** Bytes of `f32_attention`'s scratch: one head's keys and values, packed; scores of a block of queries, and their sums. */
function attentionScratch({ m, n, k, size }: Sizes): number {
  const padded = (columns: number): number => Math.ceil(columns / F32_NR) * F32_NR;
  const rows = Math.min(m, PANEL_ROWS);
  return 4 * (padded(n) * k + padded(size) * n + rows * n + rows);
}

function lowerAttention(ctx: Lowering): void {
  const [q, keys, values, mask] = ctx.node.inputs;
  const sizes = sizesOf(ctx.node.inputs.map((input) => ctx.type(input)));
  ctx.emit(Op.f32_attention, {
    [AttentionField.batch]: sizes.batch,
    [AttentionField.heads]: sizes.heads,
    [AttentionField.kv_heads]: sizes.shared,
    [AttentionField.m]: sizes.m,
    [AttentionField.n]: sizes.n,
    [AttentionField.k]: sizes.k,
    [AttentionField.size]: sizes.size,
    [AttentionField.q]: ctx.place(q),
    [AttentionField.keys]: ctx.place(keys),
    [AttentionField.values]: ctx.place(values),
    [AttentionField.mask]: mask ? ctx.place(mask) : 0,
    [AttentionField.mask_batch]: sizes.mask[0],
    [AttentionField.mask_head]: sizes.mask[1],
    [AttentionField.mask_row]: sizes.mask[2],
    [AttentionField.scale]: f32Bits(ctx.node.attrs.scale as number),
    [AttentionField.c]: ctx.place(ctx.node.outputs[0]),
    [AttentionField.scratch]: ctx.scratch(attentionScratch(sizes)),
  });
}
