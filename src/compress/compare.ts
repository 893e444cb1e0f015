/** How far a quantized model is from the f32 model it was made of, layer by layer and at its outputs. */
import { type Dataset, readItems } from "../data/index.ts";
import type { Preprocess } from "../format/image.ts";
import type { Graph } from "../graph/graph.ts";
import { realValues } from "./calibrate.ts";
import { instrument } from "./instrument.ts";
import { integerNames } from "./quantize.ts";

/**
 * Signal-to-quantization-noise ratio of what was added up. Elements whose reference is NaN or infinite are left out; where the reference is
 * finite and the other is not, the noise is infinite.
 */
export class Sqnr {
  /** Sum of squares of the reference. */
  signal = 0;
  #noise = 0;
  maxDifference = 0;

  /** `count` is how many elements the other has, where data decide that; those it lacks count as 0. */
  add(reference: ArrayLike<number>, other: (index: number) => number, count = reference.length): void {
    for (let i = 0; i < reference.length; i++) {
      if (!Number.isFinite(reference[i])) continue;
      const apart = i < count ? reference[i] - other(i) : reference[i];
      const difference = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
      this.signal += reference[i] * reference[i];
      this.#noise += difference * difference;
      this.maxDifference = Math.max(this.maxDifference, Math.abs(difference));
    }
  }

  /** In dB; Infinity where there is no noise. */
  get decibels(): number {
    return this.#noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(this.signal / this.#noise);
  }
}

export interface Comparison {
  readonly samples: number;
  /** SQNR in dB of each value that both models compute, by its name in the f32 model. */
  readonly layers: ReadonlyMap<string, number>;
  readonly outputs: Sqnr;
  /** Samples whose largest element of the first output is at the same place. */
  readonly sameTop1: number;
}

export interface CompareOptions {
  readonly indices: readonly number[];
  readonly preprocess?: Preprocess;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Runs both models on the items at `indices`. */
export async function compareGraphs(reference: Graph, quantized: Graph, data: Dataset, options: CompareOptions): Promise<Comparison> {
  const { indices, preprocess, onProgress } = options;
  const onGrid = integerNames(reference).of;
  const known = new Set(quantized.nodes.flatMap((node) => node.outputs));
  const values = realValues(reference).filter(
    (value) => !reference.inputs.includes(value) && (known.has(value) || known.has(onGrid(value))),
  );
  const formOf = (value: string): string => (known.has(onGrid(value)) ? onGrid(value) : value);
  const real = await instrument(reference, [...new Set([...values, ...reference.outputs])], preprocess);
  const grid = await instrument(quantized, [...new Set([...values.map(formOf), ...reference.outputs])], preprocess);
  try {
    const layers = new Map(values.map((value) => [value, new Sqnr()]));
    const outputs = new Sqnr();
    let samples = 0;
    let sameTop1 = 0;
    for await (const item of readItems(data, indices)) {
      const expected = real.run(item);
      const actual = grid.run(item);
      for (const value of values) {
        const form = formOf(value);
        const quant = quantized.types.get(form)!.quant;
        const elements = actual.get(form)!;
        const element = (i: number): number => (quant ? (elements[i] - quant.zero) * quant.scale[0] : elements[i]);
        layers.get(value)!.add(expected.get(value)!, element, elements.length);
      }
      for (const output of reference.outputs) {
        const elements = actual.get(output)!;
        outputs.add(expected.get(output)!, (i) => elements[i], elements.length);
      }
      const [first] = reference.outputs;
      if (argmax(expected.get(first)!) === argmax(actual.get(first)!)) sameTop1++;
      samples++;
      onProgress?.(samples, indices.length);
    }
    return { samples, layers: new Map([...layers].map(([value, sqnr]) => [value, sqnr.decibels])), outputs, sameTop1 };
  } finally {
    real.dispose();
    grid.dispose();
  }
}

export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
