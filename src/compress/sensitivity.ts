/**
 * Which values must not be put on a grid: where a value's own rounding shows in the model's outputs more than all others together may, the
 * layers that read it compute in f32. Mixed precision by measured sensitivity, as in HAWQ and in ZeroQ, with noise in place of curvature.
 */
import { type Dataset, readItems } from "../data/index.ts";
import type { Preprocess } from "../format/image.ts";
import { consumersOf, type Graph, producersOf } from "../graph/graph.ts";
import type { Quant } from "../tensor/index.ts";
import { Sqnr } from "./compare.ts";
import { instrument } from "./instrument.ts";
import { roundedValues } from "./quantize.ts";
import { macsOf, totalMacs } from "./report.ts";
import { switchable } from "./switchable.ts";

/** Signal to noise that rounding values may leave at the outputs, in dB. */
const ENOUGH = 23;
/** Noise, as a share of the signal, that more cannot be worse than: that of outputs which a grid turns into infinities. */
const LOST = 1e9;
/** Largest share of all multiply-accumulates that may move to f32 for it. */
const MOST_MACS = 0.25;
export interface SensitivityOptions {
  readonly indices: readonly number[];
  readonly preprocess?: Preprocess;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Values that are to stay f32, so that what the grids of the rest do to the outputs is within bounds; `noise` is that of each rounded value. `left` is the noise
 * of the rest.
 */
export function sensitiveValues(graph: Graph, noise: ReadonlyMap<string, number>): { readonly kept: Set<string>; readonly left: number } {
  const rounded = roundedValues(graph);
  const consumers = consumersOf(graph);
  const cost = (value: string): number => {
    const readers = rounded.get(value)!.flatMap((form) => consumers.get(form) ?? []);
    return readers.reduce((sum, node) => sum + macsOf(node, graph), 0);
  };
  const total = totalMacs(graph);
  const budget = 10 ** (-ENOUGH / 10);
  let left = [...noise.values()].reduce((sum, share) => sum + share, 0);
  let room = MOST_MACS * total;
  const kept = new Set<string>();
  for (const [value, share] of [...noise].sort(([, a], [, b]) => b - a)) {
    // Enough is left over, or all that is left is too small to matter even if it were all like this.
    if (left <= budget || share * noise.size <= budget) break;
    if (cost(value) > room) continue;
    for (const form of rounded.get(value)!) kept.add(form);
    room -= cost(value);
    left -= share;
  }
  return { kept, left };
}

/** Noise at the outputs, as a share of the signal's power, that the grid of each value which static quantization rounds makes by itself. */
export async function roundingNoise(
  graph: Graph,
  allGrids: ReadonlyMap<string, Quant>,
  data: Dataset,
  { indices, preprocess, onProgress }: SensitivityOptions,
): Promise<Map<string, number>> {
  const grids = new Map([...roundedValues(graph).keys()].map((value) => [value, allGrids.get(value)!]));
  const { graph: switched, switches, after } = switchable(graph, grids);
  const sqnrs = new Map([...grids.keys()].map((value) => [value, new Sqnr()]));
  const model = await instrument(switched, scores(graph).map(after), preprocess);
  const total = indices.length * grids.size;
  let done = 0;
  try {
    const off = Object.fromEntries([...switches.values()].map((on) => [on, Uint8Array.of(0)]));
    for await (const item of readItems(data, indices)) {
      const expected = model.run({ ...item, ...off });
      for (const [value, sqnr] of sqnrs) {
        const actual = model.run({ ...item, ...off, [switches.get(value)!]: Uint8Array.of(1) });
        for (const [output, reference] of expected) {
          const elements = actual.get(output)!;
          sqnr.add(reference, (k) => elements[k], elements.length);
        }
        onProgress?.(++done, total);
      }
    }
  } finally {
    model.dispose();
  }
  // Outputs that are all zero tell nothing.
  return new Map([...sqnrs].map(([value, { signal, decibels }]) => [value, signal > 0 ? Math.min(10 ** (-decibels / 10), LOST) : 0]));
}

/** The outputs, before a Softmax: where it saturates, it hides noise that other inputs will show. */
export function scores(graph: Graph): string[] {
  const producers = producersOf(graph);
  return [...new Set(graph.outputs.map((output) => (producers.get(output)?.op === "Softmax" ? producers.get(output)!.inputs[0] : output)))];
}
