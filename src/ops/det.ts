import { elementCount, type TensorType, tensor } from "../tensor/index.ts";
import { reshaped, sliced } from "./conv-axes.ts";
import { type Decomposition, defineOp, wave } from "./define.ts";

/** Expansion into minors doubles its nodes with every row. */
const LARGEST = 5;

function sizeOf(x: TensorType): number {
  const [rows, n] = x.shape.slice(-2);
  if (x.shape.length < 2 || rows !== n) throw new RangeError(`[${x.shape}] is no stack of square matrices`);
  if (n > LARGEST) throw new RangeError(`a determinant of ${n} rows is not supported, only of up to ${LARGEST}`);
  return n;
}

/** Determinants of a stack of matrices. */
export const Det = defineOp({
  attrs: {},
  arity: [1, 1],
  tolerance: 1e-5,
  infer: ({ inputs: [x] }) => {
    sizeOf(x!);
    return [{ dtype: x!.dtype, shape: x!.shape.slice(0, -2) }];
  },
  eval: ({ inputs: [x] }) => {
    const n = sizeOf(x!);
    const shape = x!.shape.slice(0, -2);
    const data = Array.from({ length: elementCount(shape) }, (_, i) =>
      determinant(Array.from(x!.data.subarray(i * n * n, (i + 1) * n * n)), n),
    );
    return [tensor(x!.dtype, data, shape)];
  },
  decompose: expand,
  cases: [1, 2, 3, 5].map((n) => ({ name: `${n} rows`, inputs: [wave([2, n, n])] })),
});

/** By elimination, with the largest pivot of each column. */
function determinant(a: number[], n: number): number {
  let product = 1;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i * n + k]) > Math.abs(a[pivot * n + k])) pivot = i;
    if (a[pivot * n + k] === 0) return 0;
    if (pivot !== k) {
      product = -product;
      for (let j = 0; j < n; j++) [a[k * n + j], a[pivot * n + j]] = [a[pivot * n + j], a[k * n + j]];
    }
    product *= a[k * n + k];
    for (let i = k + 1; i < n; i++) {
      const factor = a[i * n + k] / a[k * n + k];
      for (let j = k; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return product;
}

/** Minors of the first rows over each set of columns, a bit for a column, from those of one row less (Laplace). */
function expand(parts: Decomposition): void {
  const { inputs, outputs } = parts.node;
  const { shape } = parts.type(inputs[0]);
  const n = sizeOf(parts.type(inputs[0]));
  const stack = elementCount(shape.slice(0, -2));
  const flat = reshaped(parts, inputs[0], [stack, n * n]);
  const element = (row: number, column: number) => sliced(parts, flat, 1, row * n + column, row * n + column + 1);
  let minors = new Map<number, string>(Array.from({ length: n }, (_, column) => [1 << column, element(0, column)]));
  for (let row = 1; row < n; row++) {
    const next = new Map<number, string>();
    const elements = Array.from({ length: n }, (_, column) => element(row, column));
    for (let set = 0; set < 1 << n; set++) {
      const columns = elements.flatMap((_, column) => ((set >> column) & 1 ? [column] : []));
      if (columns.length !== row + 1) continue;
      // The sign of the last row's elements alternates, and is + for the last column.
      const terms = columns.map((column) => parts.add("Mul", [elements[column], minors.get(set & ~(1 << column))!]));
      const sum = terms.reduceRight((total, term, i) => parts.add((row - i) % 2 ? "Sub" : "Add", [total, term]));
      next.set(set, sum);
    }
    minors = next;
  }
  reshaped(parts, minors.get((1 << n) - 1)!, shape.slice(0, -2), outputs);
}
