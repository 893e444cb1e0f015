/** Which inputs a compressed model answers in another way than the model that it was made of. */
import { argmax } from "../compress/compare.ts";
import { instrument } from "../compress/instrument.ts";
import type { Samples } from "../compress/state.ts";
import { type InputSpec, readItems } from "../data/index.ts";
import type { Preprocess } from "../format/image.ts";
import type { Graph } from "../graph/graph.ts";
import { dataUri } from "./png.ts";
import { thumbnailOf } from "./thumbnail.ts";

export interface ChangedAnswer {
  /** Of the item in its dataset. */
  readonly index: number;
  /** Places of the largest element of the first output. */
  readonly before: number;
  readonly after: number;
  readonly label?: number;
  /** A PNG as a data URI, where the input is an image. */
  readonly image?: string;
}

export interface Answers {
  readonly data: string;
  readonly samples: number;
  /** Samples that are answered as labelled, by the f32 model and by this one. */
  readonly correct?: { readonly before: number; readonly after: number };
  readonly changed: number;
  /** The first of them. */
  readonly examples: readonly ChangedAnswer[];
}

export interface AnswersOptions {
  readonly inputs: readonly InputSpec[];
  readonly preprocess?: Preprocess;
  readonly onProgress?: (done: number, total: number) => void;
}

const MOST_EXAMPLES = 60;

/** Runs both models on the samples. Inputs of the graphs must be the same. */
export async function compareAnswers(
  reference: Graph,
  graph: Graph,
  { data, indices }: Samples,
  { inputs, preprocess, onProgress }: AnswersOptions,
): Promise<Answers> {
  const [output] = reference.outputs;
  const before = await instrument(reference, [output], preprocess);
  const after = await instrument(graph, [output], preprocess);
  const correct = { before: 0, after: 0 };
  const examples: ChangedAnswer[] = [];
  let [samples, changed] = [0, 0];
  try {
    for await (const item of readItems(data, indices)) {
      const index = indices[samples++];
      const answers = { before: argmax(before.run(item).get(output)!), after: argmax(after.run(item).get(output)!) };
      const label = data.labels?.[index];
      if (answers.before === label) correct.before++;
      if (answers.after === label) correct.after++;
      onProgress?.(samples, indices.length);
      if (answers.before === answers.after || ++changed > MOST_EXAMPLES) continue;
      const picture = thumbnailOf(inputs[0], item[inputs[0].name]);
      examples.push({ index, ...answers, ...(label !== undefined && { label }), ...(picture && { image: dataUri(picture) }) });
    }
  } finally {
    before.dispose();
    after.dispose();
  }
  return { data: data.description, samples, ...(data.labels && { correct }), changed, examples };
}
