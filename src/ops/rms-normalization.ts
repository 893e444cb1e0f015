import { LayerNormField, Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import { broadcastShapes, elementCount, i64, normalizeAxis, type Shape, sameShape, type TensorType, zeros } from "../tensor/index.ts";
import { broadcastReader } from "./broadcast.ts";
import { attr, defineOp, wave } from "./define.ts";
import { rowsOf } from "./layernorm.ts";
import { f32Bits } from "./lowering.ts";

const rowShape = (node: Node, x: TensorType): Shape => x.shape.slice(normalizeAxis(node.attrs.axis as number, x.shape.length));

/** As in opset 23: x / √(mean(x²) + epsilon) · scale over the axes from `axis` on; layer normalization that does not centre. */
export const RMSNormalization = defineOp({
  attrs: { axis: attr.int(-1), epsilon: attr.float(1e-5), stash_type: attr.int(1) },
  arity: [2, 2],
  tolerance: 2e-6,
  infer({ node, inputs: [x, scale] }) {
    const row = rowShape(node, x!);
    if (!sameShape(broadcastShapes(scale!.shape, row) ?? [], row)) throw new RangeError(`[${scale!.shape}] does not fit rows of [${row}]`);
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  eval({ node, inputs: [x, scale] }) {
    const factorOf = broadcastReader(scale!, rowShape(node, x!));
    const out = zeros({ dtype: x!.dtype, shape: x!.shape });
    const { rows, n } = rowsOf(node, x!);
    for (let r = 0; r < rows; r++) {
      const squares = Array.from(x!.data.subarray(r * n, r * n + n)).reduce((sum, v) => sum + v * v, 0);
      const factor = 1 / Math.sqrt(squares / n + (node.attrs.epsilon as number));
      for (let i = 0; i < n; i++) out.data[r * n + i] = x!.data[r * n + i] * factor * factorOf(i);
    }
    return [out];
  },
  decompose(parts) {
    const { node } = parts;
    const [x, scale] = node.inputs;
    const row = rowShape(node, parts.type(x));
    if (elementCount(parts.type(scale).shape) === elementCount(row)) return;
    const whole = parts.add("Expand", [scale, parts.value(i64(row))]);
    parts.add("RMSNormalization", [x, whole], node.attrs, node.outputs);
  },
  lower(ctx) {
    const [x, scale] = ctx.node.inputs;
    const { rows, n } = rowsOf(ctx.node, ctx.type(x));
    ctx.emit(Op.f32_rmsnorm, {
      [LayerNormField.rows]: rows,
      [LayerNormField.n]: n,
      [LayerNormField.a]: ctx.place(x),
      [LayerNormField.scale]: ctx.place(scale),
      [LayerNormField.bias]: 0,
      [LayerNormField.c]: ctx.place(ctx.node.outputs[0]),
      [LayerNormField.epsilon]: f32Bits(ctx.node.attrs.epsilon as number),
    });
  },
  cases: [
    { name: "last axis", inputs: [wave([4, 13]), wave([13], 2)], constants: [1] },
    { name: "one scale for all", inputs: [wave([4, 5]), wave([1], 2)] },
    { name: "two axes", inputs: [wave([3, 4, 5]), wave([4, 5], 2)], attrs: { axis: 1, epsilon: 1e-3 } },
  ],
});
