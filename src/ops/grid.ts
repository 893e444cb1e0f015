/** Between the integers that ONNX's tensors hold and the IR's i8 on a grid: the same bits, of u8 with the highest turned over. */
import { elementCount, type Tensor, tensor } from "../tensor/index.ts";
import { attr, defineOp } from "./define.ts";
import type { Lowering } from "./lowering.ts";
import { emitTable } from "./unary.ts";

/** u8 0..255 as i8 −128..127, and back. */
const TURNED = Int8Array.from({ length: 256 }, (_, i) => i);

const STEPS = Array.from({ length: 18 }, (_, i) => i * 7);

/** Integers of a tensor without a grid as i8 on the node's grid; a u8 loses 128, which the grid's zero has lost already. */
export const ToGrid = defineOp({
  domain: "edgepack",
  attrs: {},
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ node, inputs: [x] }) => {
    if (!node.quant || (x!.dtype !== "u8" && x!.dtype !== "i8")) throw new RangeError(`${x!.dtype} cannot be put on a grid as it is`);
    return [{ dtype: "i8", shape: x!.shape, quant: node.quant }];
  },
  eval: ({ node, inputs: [x] }): Tensor[] => {
    const data = x!.dtype === "u8" ? Int8Array.from(x!.data, (q) => q - 128) : Int8Array.from(x!.data);
    return [{ dtype: "i8", shape: x!.shape, quant: node.quant, data }];
  },
  permute: (_node, perm) => ({ inputs: "all", perm }),
  lower: (ctx) => lowerTurn(ctx, ctx.type(ctx.node.inputs[0]).dtype === "u8"),
  cases: (["u8", "i8"] as const).map((dtype) => ({
    name: dtype,
    inputs: [tensor(dtype, STEPS, [2, 9])],
    quant: { scale: Float32Array.of(0.5), zero: 3 },
  })),
});

/** The integers of a grid as a tensor without one, u8 or i8. */
export const FromGrid = defineOp({
  domain: "edgepack",
  attrs: { to: attr.required(attr.string()) },
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ node, inputs: [x] }) => {
    if (!x!.quant) throw new RangeError("the input has no grid");
    return [{ dtype: node.attrs.to === "u8" ? "u8" : "i8", shape: x!.shape }];
  },
  eval: ({ node, inputs: [x] }): Tensor[] => {
    const { shape, data } = x!;
    if (node.attrs.to === "u8") return [{ dtype: "u8", shape, data: Uint8Array.from(data, (q) => q + 128) }];
    return [{ dtype: "i8", shape, data: Int8Array.from(data) }];
  },
  permute: (node, perm) => ({ attrs: node.attrs, inputs: "all", perm }),
  lower: (ctx) => lowerTurn(ctx, ctx.node.attrs.to === "u8"),
  cases: ["u8", "i8"].map((to) => ({
    name: to,
    inputs: [
      {
        ...tensor(
          "i8",
          STEPS.map((q) => q - 128),
        ),
        quant: { scale: Float32Array.of(0.5), zero: 3 },
      },
    ],
    attrs: { to },
  })),
});

function lowerTurn(ctx: Lowering, turn: boolean): void {
  const [x] = ctx.node.inputs;
  if (turn) emitTable(ctx, TURNED, elementCount(ctx.type(x).shape));
  else ctx.alias(x, ctx.node.outputs[0]);
}
