/** Models on the same inputs: what they answer, and how long it takes them. */
import { argmax, Sqnr } from "../compress/compare.ts";
import { type Dataset, readItems } from "../data/index.ts";
import { EdgepackError } from "../errors.ts";
import type { Model } from "../run/index.ts";
import { type MeasureOptions, measure, type Timing } from "./measure.ts";

export interface Answered extends Timing {
  /** Against the first model: share of samples with the same largest element of the first output, 0..1, and signal to noise of all outputs in dB. */
  readonly agreement?: { readonly top1: number; readonly sqnr: number };
  /** Samples that are answered as labelled. */
  readonly correct?: number;
}

export interface SideBySideOptions {
  readonly indices: readonly number[];
  readonly pace: MeasureOptions;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
}

type Ports = Pick<Model, "inputs" | "outputs">;

/** Throws DATA_INVALID with all in which other models take or give something else than the first. */
export function checkSamePorts(paths: readonly string[], models: readonly Ports[]): void {
  const [first, ...others] = models;
  const problems = others.flatMap((model, i) =>
    (["inputs", "outputs"] as const).flatMap((side) => {
      const [wanted, found] = [portsOf(first, side), portsOf(model, side)];
      return wanted === found ? [] : [`${side} of ${paths[i + 1]}: ${found}; of ${paths[0]}: ${wanted}`];
    }),
  );
  if (problems.length > 0) throw new EdgepackError("DATA_INVALID", "Models are compared on the same data, and these differ:", problems);
}

/** Ports for people; what differs in it differs for data. Of preprocessing, whether there is any decides what an input takes. */
function portsOf(model: Ports, side: "inputs" | "outputs"): string {
  const ports = model[side].map((port) => {
    const raw = "preprocess" in port && port.preprocess ? `, bytes of a ${port.preprocess.layout} image` : "";
    return `${port.name} ${port.dtype}[${port.shape.join(",")}]${raw}`;
  });
  return ports.sort().join("; ");
}

/** Runs all models on the items and times them on the first; the first model is what others are compared with. */
export async function sideBySide(models: readonly Model[], data: Dataset, options: SideBySideOptions): Promise<Answered[]> {
  const { indices, pace, onProgress } = options;
  const outputs = models[0].outputs.map(({ name }) => name);
  const tallies = models.map(() => ({ noise: new Sqnr(), same: 0, correct: 0 }));
  let done = 0;
  for await (const item of readItems(data, indices)) {
    const label = data.labels?.[indices[done]];
    const answers = models.map((model) => model.run(item));
    const best = answers.map((answer) => argmax(answer[outputs[0]]));
    for (const [i, tally] of tallies.entries()) {
      for (const output of outputs) tally.noise.add(answers[0][output], (k) => answers[i][output][k], answers[i][output].length);
      if (best[i] === best[0]) tally.same++;
      if (best[i] === label) tally.correct++;
    }
    onProgress?.("comparing", ++done, indices.length);
  }
  const item = await data.item(indices[0]);
  const times = await measure(Object.fromEntries(models.map((model, i) => [i, () => model.run(item)])), pace);
  return tallies.map(({ noise, same, correct }, i) => ({
    ...times[i],
    ...(i > 0 && { agreement: { top1: same / done, sqnr: noise.decibels } }),
    ...(data.labels && { correct }),
  }));
}
