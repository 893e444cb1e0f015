import { EdgepackError } from "../errors.ts";
import type { Port, Preprocess } from "../format/image.ts";
import type { Fit } from "./fit.ts";

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
  /** Class of each item, where the source says it; below 0 where it says none for this item. */
  readonly labels?: Int32Array;
  /** Names of the classes, where the source names them: `classes[labels[i]]`. */
  readonly classes?: readonly string[];
  /** Images and sound are made to fit the input; values are taken as they are. */
  readonly kind: "images" | "sound" | "values";
  /** For people: what was read, and from where. */
  readonly description: string;
  /** Item 0 ≤ i < count. Rejects with DATA_INVALID where the file behind it is damaged. */
  item(i: number): Promise<DataItem>;
}

/** Which half of a source that has two: calibration takes `train`, evaluation takes `test`. */
export type Part = "train" | "test";

export interface OpenOptions extends Fit {
  readonly part: Part;
  readonly inputs: readonly InputSpec[];
  /** The model's labels: classes that bear these names get their numbers. */
  readonly labels?: readonly string[];
  /** Rate that the model hears sound at, in Hz; recordings of another are resampled. Without, all must have one rate, and are taken as they are. */
  readonly sampleRate?: number;
  /** Column of a table that holds the class. Without, one named `label`, `class`, `target` or `y`. */
  readonly labelColumn?: string;
  /** Columns of a table that make the input, in this order. Without, all but the label's. */
  readonly columns?: readonly string[];
  /** Items that cannot be read are left to `clean`: the dataset opens, and each rejects when it is asked for. */
  readonly skipBad?: boolean;
}

/** An error about data that are not what they should be: which file, and why. */
export function invalid(path: string, reason: string, cause?: unknown): EdgepackError {
  return new EdgepackError("DATA_INVALID", `${path}: ${reason}`, [], { cause });
}

/** The items at `indices`, in that order, as a dataset. */
export function subset(dataset: Dataset, indices: readonly number[]): Dataset {
  const { labels, description } = dataset;
  return {
    ...dataset,
    count: indices.length,
    labels: labels && Int32Array.from(indices, (i) => labels[i]),
    description: indices.length === dataset.count ? description : `${indices.length} of ${description}`,
    item: (i) => dataset.item(indices[i]),
  };
}
