import { EdgepackError } from "../errors.ts";
import type { Port, Preprocess } from "../format/image.ts";

/** What a reader must know of a model's input. `dtype` is f32 where absent. */
export interface InputSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype?: Port["dtype"];
  readonly preprocess?: Preprocess;
}

export type ItemData = Uint8Array | Int8Array | Int32Array | Float32Array;

/** One example, keyed by the names of the model's inputs: just what the runtime's `run` takes. */
export type DataItem = Record<string, ItemData>;

/** Examples read on demand. */
export interface Dataset {
  readonly count: number;
  /** Class of each item, where the source says it; each is ≥ 0. */
  readonly labels?: Int32Array;
  /** Names of the classes, where the source names them: `classes[labels[i]]`. */
  readonly classes?: readonly string[];
  /** Images are made to fit the input; values are taken as they are. */
  readonly kind: "images" | "values";
  /** For people: what was read, and from where. */
  readonly description: string;
  /** Item 0 ≤ i < count. Rejects with DATA_INVALID where the file behind it is damaged. */
  item(i: number): Promise<DataItem>;
}

/** Which half of a source that has two: calibration takes `train`, evaluation takes `test`. */
export type Part = "train" | "test";

export interface OpenOptions {
  readonly part: Part;
  readonly inputs: readonly InputSpec[];
  /** The model's labels: class folders that bear these names get their numbers. */
  readonly labels?: readonly string[];
}

/** An error about data that are not what they should be: which file, and why. */
export function invalid(path: string, reason: string, cause?: unknown): EdgepackError {
  return new EdgepackError("DATA_INVALID", `${path}: ${reason}`, [], { cause });
}

const MOST_PROBLEMS = 20;

/**
 * The items at `indices`, in that order. At the first damaged item nothing more is yielded, but the rest is still read, so that the one error
 * thrown at the end names all that are damaged (the first 20 of them).
 */
export async function* readItems(dataset: Dataset, indices: Iterable<number>): AsyncGenerator<DataItem> {
  const problems: string[] = [];
  for (const i of indices) {
    try {
      const item = await dataset.item(i);
      if (problems.length === 0) yield item;
    } catch (error) {
      if (!(error instanceof EdgepackError) || error.code !== "DATA_INVALID") throw error;
      problems.push(error.message);
      if (problems.length === MOST_PROBLEMS) break;
    }
  }
  if (problems.length === 1) throw new EdgepackError("DATA_INVALID", problems[0]);
  if (problems.length > 1) throw new EdgepackError("DATA_INVALID", `${dataset.description}: these items cannot be read`, problems);
}
