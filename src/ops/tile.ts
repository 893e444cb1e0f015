import { i64, stridesOf, withShape } from "../tensor/index.ts";
import { wave } from "./define.ts";
import { constantInts } from "./inputs.ts";
import { defineMover, type MoveContext } from "./mover.ts";

function repeatsOf(ctx: Pick<MoveContext, "inputs" | "constant">): number[] {
  const repeats = constantInts(ctx, 1, "repeats");
  const rank = ctx.inputs[0]!.shape.length;
  if (repeats.length !== rank || repeats.some((r) => r < 0)) throw new RangeError(`repeats [${repeats}] do not fit a rank of ${rank}`);
  return repeats;
}

export const Tile = defineMover({
  attrs: {},
  arity: [2, 2],
  infer: (ctx) => {
    const { shape } = ctx.inputs[0]!;
    const repeats = repeatsOf(ctx);
    return [
      withShape(
        ctx.inputs[0]!,
        shape.map((d, i) => d * repeats[i]),
      ),
    ];
  },
  moves: (ctx) => {
    const { shape } = ctx.inputs[0]!;
    const [src, dst] = [stridesOf(shape), stridesOf(ctx.outputs[0].shape)];
    const pairs = repeatsOf(ctx).map((r, i) => ({ dims: [r, shape[i]], from: [0, src[i]], to: [dst[i] * shape[i], dst[i]] }));
    return [
      {
        ...{ input: 0, output: 0, src: 0, dst: 0 },
        dims: pairs.flatMap((p) => p.dims),
        srcStrides: pairs.flatMap((p) => p.from),
        dstStrides: pairs.flatMap((p) => p.to),
      },
    ];
  },
  quantize: { kind: "same" },
  cases: [{ name: "both axes", inputs: [wave([2, 3]), i64([2, 3])], constants: [1] }],
});
