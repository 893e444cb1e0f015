/** What became of the weights of each layer: their distribution, the grid that they went on, and where zeros lie. */
import { macsOf } from "../compress/report.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { elementCount, scaleIndex, type Tensor } from "../tensor/index.ts";

export interface WeightEvidence {
  readonly layer: string;
  readonly shape: readonly number[];
  /** Of the f32 weights, in steps of their own scale where they are on a grid: `counts` over equal parts of low..high. */
  readonly histogram: { readonly low: number; readonly high: number; readonly counts: readonly number[] };
  /** Integers that weights have, and how many have each. Absent where they are f32. */
  readonly grid?: readonly { readonly value: number; readonly count: number }[];
  /** Share of zeros, 0..1, in each cell of the matrix [first axis, all others]; only for layers with many zeros. */
  readonly zeros?: { readonly rows: number; readonly columns: number; readonly shares: readonly number[] };
}

const BINS = 64;
const MOST_CELLS = 48;
const MANY_ZEROS = 0.1;

/** The layers of `graph` that multiply with stored weights; `real` is the f32 graph that it was quantized from. */
export function weightEvidence(graph: Graph, real: Graph | undefined): WeightEvidence[] {
  const stored = new Map(graph.nodes.flatMap(({ op, inputs, outputs }) => (op === "DequantizeLinear" ? [[outputs[0], inputs[0]]] : [])));
  const before = new Map(real?.nodes.map((node) => [node.name, node]));
  return graph.nodes.flatMap((node): WeightEvidence[] => {
    const name = node.inputs[1] ?? "";
    const weights = graph.constants.get(stored.get(name) ?? name);
    if (!weights || weights.shape.length < 2 || elementCount(weights.shape) === 0 || macsOf(node, graph) === 0) return [];
    return [evidenceOf(node, weights, real?.constants.get(before.get(node.name)?.inputs[1] ?? ""))];
  });
}

function evidenceOf({ name }: Node, weights: Tensor, before: Tensor | undefined): WeightEvidence {
  const { data, shape, quant } = weights;
  const zero = quant?.zero ?? 0;
  const zeros = zeroMap(data, shape, zero);
  return {
    layer: name,
    shape,
    histogram: histogramOf(inSteps(weights, before?.data.length === data.length ? before.data : undefined)),
    ...(quant && { grid: countsOf(data) }),
    ...(zeros.total >= MANY_ZEROS * data.length && { zeros: zeros.map }),
  };
}

/** The weights as they were, in steps of the scale of each: on the grid, integers lie where they are. */
function inSteps({ data, shape, quant }: Tensor, before: ArrayLike<number> | undefined): Float64Array {
  if (!quant) return Float64Array.from(data);
  if (!before) return Float64Array.from(data, (q) => q - quant.zero);
  const slice = scaleIndex(shape, quant);
  return Float64Array.from(before, (w, i) => w / quant.scale[slice(i)]);
}

function histogramOf(values: Float64Array): WeightEvidence["histogram"] {
  let [low, high] = [0, 0];
  for (const x of values) {
    if (x < low) low = x;
    if (x > high && x < Number.POSITIVE_INFINITY) high = x;
  }
  if (!(high > low) || low === Number.NEGATIVE_INFINITY) [low, high] = [-1, 1];
  const counts = new Array<number>(BINS).fill(0);
  for (const x of values) {
    const bin = Math.min(BINS - 1, Math.floor((BINS * (x - low)) / (high - low)));
    if (bin >= 0) counts[bin]++;
  }
  return { low, high, counts };
}

function countsOf(data: ArrayLike<number>): { value: number; count: number }[] {
  const counts = new Map<number, number>();
  for (let i = 0; i < data.length; i++) counts.set(data[i], (counts.get(data[i]) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b).map(([value, count]) => ({ value, count }));
}

function zeroMap(
  data: ArrayLike<number>,
  shape: readonly number[],
  zero: number,
): { readonly total: number; readonly map: NonNullable<WeightEvidence["zeros"]> } {
  const [first, rest] = [shape[0], data.length / shape[0]];
  const [rows, columns] = [Math.min(first, MOST_CELLS), Math.min(rest, MOST_CELLS)];
  const [all, none] = [new Float64Array(rows * columns), new Float64Array(rows * columns)];
  let total = 0;
  for (let i = 0; i < data.length; i++) {
    const cell = Math.floor((Math.floor(i / rest) * rows) / first) * columns + Math.floor(((i % rest) * columns) / rest);
    all[cell]++;
    if (data[i] !== zero) continue;
    none[cell]++;
    total++;
  }
  return { total, map: { rows, columns, shares: Array.from(none, (n, cell) => Number((n / all[cell]).toFixed(3))) } };
}
