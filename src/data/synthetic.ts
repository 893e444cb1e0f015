import type { DataItem, Dataset, InputSpec } from "./dataset.ts";
import { itemRandom, normal } from "./sample.ts";

/**
 * Made-up inputs, for when there are none: standard normal numbers for f32 inputs, uniform bytes where the runtime preprocesses raw bytes,
 * small whole numbers for integers. Item i depends on `seed` and i alone.
 */
export function syntheticDataset(inputs: readonly InputSpec[], count: number, seed: number): Dataset {
  return {
    count,
    kind: "values",
    description: `${count} synthetic inputs`,
    async item(index) {
      const random = itemRandom(seed, index);
      const item: DataItem = {};
      for (const input of inputs) item[input.name] = make(input, random);
      return item;
    },
  };
}

function make({ shape, dtype, preprocess }: InputSpec, random: () => number): DataItem[string] {
  const length = shape.reduce((n, d) => n * d, 1);
  if (preprocess) return Uint8Array.from({ length }, () => Math.floor(random() * 256));
  if ((dtype ?? "f32") === "f32") return Float32Array.from({ length }, () => normal(random));
  const whole = () => Math.floor(random() * 2);
  if (dtype === "i32") return Int32Array.from({ length }, whole);
  return dtype === "i8" ? Int8Array.from({ length }, whole) : Uint8Array.from({ length }, whole);
}
