/** How much of the noise at a value reaches the outputs: what a layer's rounding error costs. */
import { type Dataset, readItems } from "../data/index.ts";
import type { Preprocess } from "../format/image.ts";
import type { Graph } from "../graph/graph.ts";
import { dequantizeValue, type Quant, quantizeValue } from "../tensor/index.ts";
import { Sqnr } from "./compare.ts";
import { instrument } from "./instrument.ts";
import { scores } from "./sensitivity.ts";
import { switchable } from "./switchable.ts";

/** Steps of the grids that noise is made with, in steps of int8: coarse enough to be seen over f32's own errors, fine enough to be small. */
const COARSE = 4;

export interface Gain {
  /** Noise at the outputs as a share of the signal's power, for each unit of squared error that an inference has at the value. */
  readonly noise: number;
  /** Share of the value's elements that are not at the bounds of an activation: errors before it come through there alone. */
  readonly open: number;
}

export interface GainOptions {
  readonly indices: readonly number[];
  readonly preprocess?: Preprocess;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Gains of f32 values of the graph that have a grid. */
export async function gainsOf(
  graph: Graph,
  values: readonly string[],
  grids: ReadonlyMap<string, Quant>,
  data: Dataset,
  { indices, preprocess, onProgress }: GainOptions,
): Promise<Map<string, Gain>> {
  const coarse = new Map(values.map((value) => [value, coarser(grids.get(value)!)]));
  const { graph: switched, switches, after } = switchable(graph, coarse);
  const plain = await instrument(graph, values, preprocess);
  const noisy = await instrument(switched, scores(graph).map(after), preprocess);
  const sums = new Map(values.map((value) => [value, { error: 0, open: 0, elements: 0, outputs: new Sqnr() }]));
  try {
    const off = Object.fromEntries([...switches.values()].map((on) => [on, Uint8Array.of(0)]));
    let done = 0;
    for await (const item of readItems(data, indices)) {
      const seen = plain.run(item);
      const expected = noisy.run({ ...item, ...off });
      for (const [value, sum] of sums) {
        addError(sum, seen.get(value)!, coarse.get(value)!);
        const actual = noisy.run({ ...item, ...off, [switches.get(value)!]: Uint8Array.of(1) });
        for (const [output, reference] of expected) {
          const elements = actual.get(output)!;
          sum.outputs.add(reference, (i) => elements[i], elements.length);
        }
      }
      onProgress?.(++done, indices.length);
    }
  } finally {
    plain.dispose();
    noisy.dispose();
  }
  return new Map(
    [...sums].map(([value, { error, open, elements, outputs }]) => {
      const share = outputs.signal > 0 ? 10 ** (-outputs.decibels / 10) : 0;
      return [value, { noise: error > 0 ? (share * indices.length) / error : 0, open: open / elements }];
    }),
  );
}

const coarser = ({ scale, zero }: Quant): Quant => ({ scale: scale.map((s) => s * COARSE), zero: Math.round(zero / COARSE) });

function addError(sum: { error: number; open: number; elements: number }, x: ArrayLike<number>, { scale: [scale], zero }: Quant): void {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < x.length; i++) {
    const v = x[i];
    if (!Number.isFinite(v)) continue;
    if (v < min) min = v;
    if (v > max) max = v;
    sum.error += (v - dequantizeValue(quantizeValue(v, scale, zero), scale, zero)) ** 2;
  }
  for (let i = 0; i < x.length; i++) if (x[i] !== min && x[i] !== max) sum.open++;
  sum.elements += x.length;
}
