import { broadcastShapes, broadcastStrides, i64, withShape } from "../tensor/index.ts";
import { wave } from "./define.ts";
import { constantInts } from "./inputs.ts";
import { defineMover, wholeMove } from "./mover.ts";

/** Broadcasts to the shape in input 1; dimensions of 1 there keep the input's. */
export const Expand = defineMover({
  attrs: {},
  arity: [2, 2],
  infer: (ctx) => {
    const { shape } = ctx.inputs[0]!;
    const wanted = constantInts(ctx, 1, "the shape");
    const out = broadcastShapes(shape, wanted);
    if (!out || out.some((d) => d < 0)) throw new RangeError(`[${shape}] does not broadcast to [${wanted}]`);
    return [withShape(ctx.inputs[0]!, out)];
  },
  moves: ({ inputs: [x], outputs: [y] }) => [wholeMove(y, broadcastStrides(x!.shape, y.shape))],
  quantize: { kind: "same" },
  cases: [
    { name: "rows", inputs: [wave([1, 4]), i64([3, 4])], constants: [1] },
    { name: "a higher rank", inputs: [wave([3, 1]), i64([2, 1, 4])], constants: [1] },
  ],
});
