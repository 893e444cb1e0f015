import { elementCount, i64, normalizeAxis, stridesOf, type Tensor, tensor, withShape } from "../tensor/index.ts";
import { attr, wave } from "./define.ts";
import { defineMover } from "./mover.ts";

/** Indices in 0..n−1, from −n..n−1. */
function indicesOf(indices: Tensor, n: number): number[] {
  return Array.from(indices.data, (index) => {
    if (!Number.isInteger(index) || index < -n || index >= n) throw new RangeError(`index ${index} is outside a dimension of ${n}`);
    return index < 0 ? index + n : index;
  });
}

/** Slices along `axis` picked by indices that are known when the model is packed; each run of neighbours is one copy. */
export const Gather = defineMover({
  attrs: { axis: attr.int(0) },
  arity: [2, 2],
  infer: ({ node, inputs: [x, indices] }) => {
    const { shape } = x!;
    if (indices!.dtype !== "i64" && indices!.dtype !== "i32") throw new RangeError(`indices must be integers, are ${indices!.dtype}`);
    const axis = normalizeAxis(node.attrs.axis as number, shape.length);
    if (shape.length === 0) throw new RangeError("a scalar has nothing to gather from");
    return [withShape(x!, [...shape.slice(0, axis), ...indices!.shape, ...shape.slice(axis + 1)])];
  },
  moves: ({ node, inputs: [x], constant }) => {
    const values = constant(1);
    if (!values) throw new RangeError("indices that are computed while the model runs are not supported");
    const axis = normalizeAxis(node.attrs.axis as number, x!.shape.length);
    const picks = indicesOf(values, x!.shape[axis]);
    const outer = elementCount(x!.shape.slice(0, axis));
    const inner = stridesOf(x!.shape)[axis];
    const starts = picks.flatMap((pick, i) => (i > 0 && pick === picks[i - 1] + 1 ? [] : [i]));
    return starts.map((start, run) => ({
      input: 0,
      output: 0,
      dims: [outer, ((starts[run + 1] ?? picks.length) - start) * inner],
      src: picks[start] * inner,
      srcStrides: [x!.shape[axis] * inner, 1],
      dst: start * inner,
      dstStrides: [picks.length * inner, 1],
    }));
  },
  quantize: { kind: "same" },
  cases: [
    { name: "a scalar index", inputs: [wave([3, 4]), tensor("i64", [-1], [])], attrs: { axis: 1 }, constants: [1] },
    { name: "rows in any order", inputs: [wave([5, 3]), i64([4, 0, 1, 2, 0, -2], [2, 3])], constants: [1] },
  ],
});
