/** How well a model answers: against labels where there are any, and against the f32 model. */
import { readItems } from "../data/index.ts";
import type { Preprocess } from "../format/image.ts";
import type { Graph } from "../graph/graph.ts";
import { argmax, Sqnr } from "./compare.ts";
import { instrument } from "./instrument.ts";
import type { Samples } from "./state.ts";

export interface Score {
  readonly samples: number;
  /** Samples whose largest element of the first output is at the label's place; absent without labels. */
  readonly correct?: number;
  /** Samples whose largest element is where the f32 model has its largest. */
  readonly same: number;
  /** Signal to noise of all outputs against the f32 model's, in dB. */
  readonly sqnr: number;
}

/** Scores models against one reference, whose answers are computed once. */
export class Judge {
  readonly #samples: Samples;
  readonly #preprocess?: Preprocess;
  readonly #answers: readonly ReadonlyMap<string, ArrayLike<number>>[];
  readonly reference: Score;

  private constructor(samples: Samples, preprocess: Preprocess | undefined, answers: readonly ReadonlyMap<string, ArrayLike<number>>[]) {
    this.#samples = samples;
    this.#preprocess = preprocess;
    this.#answers = answers;
    this.reference = this.#score(answers);
  }

  static async of(reference: Graph, samples: Samples, preprocess: Preprocess | undefined): Promise<Judge> {
    return new Judge(samples, preprocess, await answersOf(reference, samples, preprocess));
  }

  async score(graph: Graph): Promise<Score> {
    return this.#score(await answersOf(graph, this.#samples, this.#preprocess));
  }

  #score(answers: readonly ReadonlyMap<string, ArrayLike<number>>[]): Score {
    const { data, indices } = this.#samples;
    const noise = new Sqnr();
    let correct = 0;
    let same = 0;
    for (const [i, answer] of answers.entries()) {
      const expected = this.#answers[i];
      for (const [output, reference] of expected) {
        const actual = answer.get(output)!;
        noise.add(reference, (k) => actual[k], actual.length);
      }
      const [first] = answer.values();
      const best = argmax(first);
      if (best === argmax([...expected.values()][0])) same++;
      if (best === data.labels?.[indices[i]]) correct++;
    }
    return { samples: answers.length, ...(data.labels && { correct }), same, sqnr: noise.decibels };
  }
}

async function answersOf(
  graph: Graph,
  { data, indices }: Samples,
  preprocess: Preprocess | undefined,
): Promise<ReadonlyMap<string, ArrayLike<number>>[]> {
  const model = await instrument(graph, graph.outputs, preprocess);
  try {
    const answers: ReadonlyMap<string, ArrayLike<number>>[] = [];
    for await (const item of readItems(data, indices)) answers.push(model.run(item));
    return answers;
  } finally {
    model.dispose();
  }
}
