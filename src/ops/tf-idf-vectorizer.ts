import { f32, i64, type Tensor, tensor } from "../tensor/index.ts";
import { attr, type Decomposition } from "./define.ts";
import { defineFunction } from "./function.ts";

/** Comparisons of all n-grams of one length at all places, at most: they are in memory at once. */
const MAX_COMPARISONS = 2 ** 24;

/** N-grams of one length; `first` counts those of the pool before them. */
interface Grams {
  readonly length: number;
  readonly first: number;
  readonly grams: readonly (readonly number[])[];
}

/** The pool holds n-grams of length 1, then of 2 …; `ngram_counts` says where each length begins. */
function gramsOf({ node }: Decomposition): Grams[] {
  const { ngram_counts: starts, pool_int64s: pool, pool_strings: strings } = node.attrs as Record<string, readonly number[] | undefined>;
  if (strings?.length || !pool) throw new RangeError("pool_strings are not supported; only pool_int64s are");
  let first = 0;
  return starts!.map((start, i) => {
    const length = i + 1;
    const end = starts![i + 1] ?? pool.length;
    if (!(start >= 0 && start <= end && end <= pool.length) || (end - start) % length !== 0)
      throw new RangeError(`ngram_counts [${starts}] do not divide a pool of ${pool.length}`);
    const grams = Array.from({ length: (end - start) / length }, (_, g) => pool.slice(start + g * length, start + (g + 1) * length));
    first += grams.length;
    return { length, first: first - grams.length, grams };
  });
}

/** How often each n-gram stands in each row of x, [rows, n-grams]: its elements `distance` apart, at any place. */
function occurrences({ type, value, add }: Decomposition, x: string, { length, grams }: Grams, distance: number): string | undefined {
  const { shape, dtype } = type(x);
  const places = shape[1] - (length - 1) * distance;
  if (places <= 0) return undefined;
  if (shape[0] * places * grams.length > MAX_COMPARISONS)
    throw new RangeError(`${grams.length} n-grams at ${places} places are more than fit memory`);
  const matches = Array.from({ length }, (_, k) => {
    const part = add("Slice", [x, value(i64([k * distance])), value(i64([k * distance + places])), value(i64([1]))]);
    const wanted = tensor(
      dtype,
      grams.map((gram) => gram[k]),
      [grams.length, 1],
    );
    return add("Equal", [add("Unsqueeze", [part, value(i64([1]))]), value(wanted)]);
  });
  const all = matches.reduce((a, b) => add("And", [a, b]));
  return add("ReduceSum", [add("Cast", [all], { to: 1 }), value(i64([2]))], { keepdims: 0 });
}

/** The matrix that puts counts of n-grams into the output's columns; `weighted` multiplies each by its weight. */
function columns({ node }: Decomposition, chosen: readonly Grams[], weighted: boolean): Tensor {
  const indexes = node.attrs.ngram_indexes as readonly number[];
  const weights = weighted ? (node.attrs.weights as readonly number[] | undefined) : undefined;
  const ids = chosen.flatMap(({ first, grams }) => grams.map((_, g) => first + g));
  const width = Math.max(-1, ...indexes) + 1;
  if (indexes.some((index) => index < 0) || ids.some((id) => id >= indexes.length))
    throw new RangeError("ngram_indexes do not fit the pool");
  const data = new Float32Array(ids.length * width);
  ids.forEach((id, row) => {
    data[row * width + indexes[id]] = weights?.[id] ?? 1;
  });
  return f32(data, [ids.length, width]);
}

/** Counts of n-grams of integers. Taken apart into comparisons of each n-gram with each place, and a product that orders the counts. */
export const TfIdfVectorizer = defineFunction({
  attrs: {
    max_gram_length: attr.required(attr.int()),
    max_skip_count: attr.required(attr.int()),
    min_gram_length: attr.required(attr.int()),
    mode: attr.required(attr.string()),
    ngram_counts: attr.required(attr.ints()),
    ngram_indexes: attr.required(attr.ints()),
    pool_int64s: attr.ints(),
    pool_strings: attr.strings(),
    weights: attr.floats(),
  },
  arity: [1, 1],
  tolerance: "exact",
  body: (parts) => {
    const { node, type, value, add } = parts;
    const {
      max_gram_length: longest,
      min_gram_length: shortest,
      max_skip_count: skips,
      mode,
    } = node.attrs as Record<string, number | string>;
    if (mode !== "TF" && mode !== "IDF" && mode !== "TFIDF") throw new RangeError(`mode ${mode} is not known`);
    const [input] = node.inputs;
    const { shape } = type(input);
    if (shape.length < 1 || shape.length > 2) throw new RangeError(`takes [C] or [N, C], not [${shape}]`);
    const chosen = gramsOf(parts).filter(
      ({ length, grams }) => length >= Number(shortest) && length <= Number(longest) && grams.length > 0,
    );
    const order = columns(parts, chosen, mode !== "TF");
    const x = shape.length === 2 ? input : add("Unsqueeze", [input, value(i64([0]))]);
    const rows = type(x).shape[0];
    const counts = chosen.map((grams) => {
      // Single elements have no distance between them: they count once.
      const distances = Array.from({ length: grams.length === 1 ? 1 : Number(skips) + 1 }, (_, i) => i + 1);
      const found = distances.flatMap((distance) => occurrences(parts, x, grams, distance) ?? []);
      const none = () => value(f32(new Float32Array(rows * grams.grams.length), [rows, grams.grams.length]));
      return found.length ? found.reduce((a, b) => add("Add", [a, b])) : none();
    });
    const joined = counts.length ? add("Concat", counts, { axis: 1 }) : value(f32([], [rows, 0]));
    const terms = mode === "IDF" ? add("Min", [joined, value(f32([1], []))]) : joined;
    const width = order.shape[1];
    add("Reshape", [add("MatMul", [terms, value(order)]), value(i64([...shape.slice(0, -1), width]))], {}, node.outputs);
  },
  cases: [
    {
      name: "single elements and pairs, apart too",
      inputs: [i64([1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8], [2, 6])],
      attrs: {
        max_gram_length: 2,
        max_skip_count: 5,
        min_gram_length: 1,
        mode: "TF",
        ngram_counts: [0, 4],
        ngram_indexes: [0, 1, 2, 3, 4, 5, 6],
        pool_int64s: [2, 3, 5, 4, 5, 6, 7, 8, 6, 7],
      },
    },
    ...["IDF", "TFIDF"].map((mode) => ({
      name: `pairs, ${mode}`,
      inputs: [i64([1, 2, 1, 2, 3])],
      attrs: {
        max_gram_length: 2,
        max_skip_count: 0,
        min_gram_length: 2,
        mode,
        ngram_counts: [0, 1],
        ngram_indexes: [2, 0, 1],
        pool_int64s: [9, 1, 2, 2, 3],
        weights: [3, 0.5, 2],
      },
    })),
  ],
});
