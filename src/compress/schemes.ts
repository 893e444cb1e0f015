/** Options that say how weights and activations are put on grids. */
import * as v from "valibot";
import type { WeightScheme } from "./weight-grid.ts";

const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

const weightEntries = {
  bits: v.optional(
    v.pipe(
      whole(2, 8),
      v.description(
        "bits of a weight; levels and codebook are finer ways to say it. Without any, each layer has what it needs by calibration data, or 8 bits where there are fewer than 128 examples",
      ),
    ),
  ),
  levels: v.optional(v.pipe(whole(2, 255), v.description("evenly spaced values of a weight: 3 is ternary, 255 int8"))),
  codebook: v.optional(v.pipe(whole(2, 128), v.description("values of a weight, found by k-means"))),
  per: v.optional(
    v.pipe(
      v.union([v.picklist(["channel", "tensor"]), v.strictObject({ group: whole(8, 4096) })]),
      v.description("what shares a scale: an output channel, the tensor, or a group of so many neighbours that an output sums over"),
    ),
    "channel",
  ),
  symmetric: v.optional(v.pipe(v.boolean(), v.description("as many values below zero as above")), true),
  range: v.optional(
    v.pipe(v.picklist(["max", "mse"]), v.description("the scale: by the largest weight, or by the least squared error")),
    "max",
  ),
  rounding: v.optional(
    v.pipe(
      v.picklist(["gptq", "nearest"]),
      v.description("to the least error of the layer's outputs on calibration data (GPTQ), or each weight to the nearest value"),
    ),
    "gptq",
  ),
};

export const WEIGHTS = v.pipe(
  v.strictObject(weightEntries),
  v.check(
    ({ bits, levels, codebook }) => [bits, levels, codebook].filter((given) => given !== undefined).length <= 1,
    "bits, levels and codebook exclude each other",
  ),
  v.check(
    ({ symmetric, bits = 8, levels = 2 ** bits }) => symmetric || levels <= 128,
    "grids that are not symmetric have at most 7 bits, or 128 levels",
  ),
);
export type WeightOptions = v.InferOutput<typeof WEIGHTS>;

export function schemeOf({ bits = 8, levels, codebook, per, symmetric, range }: WeightOptions): WeightScheme {
  return { levels: codebook ? 255 : (levels ?? (symmetric ? 2 ** bits - 1 : 2 ** bits)), codebook, per, symmetric, range };
}

const symmetric = v.optional(v.pipe(v.boolean(), v.description("grids with a zero point of 0, as TensorRT wants them")), false);

export const OBSERVER = v.pipe(
  v.union([
    v.strictObject({ kind: v.picklist(["minmax", "average", "mse", "entropy"]), symmetric }),
    v.strictObject({
      kind: v.literal("percentile"),
      percentile: v.optional(v.pipe(v.number(), v.minValue(50), v.maxValue(100)), 99.99),
      symmetric,
    }),
  ]),
  v.description("how the range of activations is chosen"),
);

export const ACTIVATIONS = v.pipe(
  v.picklist(["static", "dynamic", "none"]),
  v.description("inputs of layers: int8 on grids from calibration data, int8 on grids of their own as the model runs, or f32"),
);
