import { UniqueField } from "../../assembly/shared/indexing.ts";
import { Op } from "../../assembly/shared/plan.ts";
import type { Node } from "../graph/graph.ts";
import {
  aroundAxis,
  elementCount,
  f32,
  i64,
  normalizeAxis,
  type Tensor,
  type TensorType,
  tensor,
  typeOf,
  withShape,
  zeros,
} from "../tensor/index.ts";
import { attr, defineOp } from "./define.ts";
import { ELEMENTS } from "./lowering.ts";

/** The view whose slices are compared: along the axis, or of all elements in order where there is none. */
function viewOf({ attrs }: Node, { shape }: TensorType) {
  if (attrs.axis === undefined) return { outer: 1, n: elementCount(shape), inner: 1, axis: 0, shape: [elementCount(shape)] };
  const axis = normalizeAxis(attrs.axis as number, shape.length);
  return { ...aroundAxis(shape, axis), axis, shape };
}

function distinct(node: Node, x: Tensor): Tensor[] {
  const { outer, n, inner, axis, shape } = viewOf(node, x);
  const slice = (j: number): number[] =>
    Array.from({ length: outer }, (_, o) => Array.from(x.data.subarray((o * n + j) * inner, (o * n + j + 1) * inner))).flat();
  const compare = (p: readonly number[], q: readonly number[]): number => {
    const at = p.findIndex((v, i) => v !== q[i]);
    return at < 0 ? 0 : p[at] - q[at];
  };
  const slices = Array.from({ length: n }, (_, j) => slice(j));
  const order = slices.map((_, j) => j).sort((i, j) => compare(slices[i], slices[j]) || i - j);
  const first = new Array<number>(n);
  order.forEach((j, at) => {
    first[j] = at > 0 && compare(slices[order[at - 1]], slices[j]) === 0 ? first[order[at - 1]] : j;
  });
  const indices = (node.attrs.sorted ? order : order.toSorted((i, j) => i - j)).filter((j) => first[j] === j);
  const inverse = first.map((j) => indices.indexOf(j));
  const counts = indices.map((_, u) => inverse.filter((v) => v === u).length);
  const out = zeros(withShape(x, shape.with(axis, indices.length)));
  for (let o = 0; o < outer; o++)
    indices.forEach((j, u) => {
      out.data.set(x.data.subarray((o * n + j) * inner, (o * n + j + 1) * inner), (o * indices.length + u) * inner);
    });
  return [out, i64(indices), i64(inverse), i64(counts)];
}

/** The different elements, or slices along `axis`; where each is first, which of them each place has, and how often each is there. */
export const Unique = defineOp({
  attrs: { axis: attr.int(), sorted: attr.int(1) },
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ node, inputs: [x], constant }) => {
    const known = constant(0);
    if (known) return distinct(node, known).map(typeOf);
    const { n, axis, shape } = viewOf(node, x!);
    const list: TensorType = { dtype: "i64", shape: [n] };
    const bounded: TensorType = { ...list, bound: { axis: 0, zeros: true } };
    return [{ ...withShape(x!, shape), bound: { axis, zeros: true } }, bounded, list, bounded];
  },
  eval: ({ node, inputs: [x] }) => distinct(node, x!),
  lower: (ctx) => {
    const { attrs, inputs, outputs } = ctx.node;
    const type = ctx.type(inputs[0]);
    const { outer, n, inner } = viewOf(ctx.node, type);
    const length = ctx.scratch(4);
    const output = (index: number) => (outputs[index] ? ctx.place(outputs[index]) : ctx.scratch(4 * n));
    ctx.emit(Op.unique, {
      [UniqueField.element]: ELEMENTS[type.dtype],
      [UniqueField.sorted]: attrs.sorted as number,
      [UniqueField.outer]: outer,
      [UniqueField.n]: n,
      [UniqueField.inner]: inner,
      [UniqueField.a]: ctx.place(inputs[0]),
      [UniqueField.c]: ctx.place(outputs[0]),
      [UniqueField.indices]: output(1),
      [UniqueField.inverse]: output(2),
      [UniqueField.counts]: output(3),
      [UniqueField.length]: length,
      [UniqueField.scratch]: ctx.scratch(4 * n),
    });
    for (const value of outputs) if (ctx.type(value).bound) ctx.measured(value, length);
  },
  cases: [
    { name: "numbers in order", inputs: [f32([2, 1, 1, 3, 4, 3])], outputs: 4 },
    { name: "as they come", inputs: [f32([2, 1, 1, 3, 4, 3], [2, 3])], attrs: { sorted: 0 }, outputs: 4 },
    { name: "rows", inputs: [i64([1, 0, 0, 1, 0, 0, 2, 3, -4], [3, 3])], attrs: { axis: 0 }, outputs: 4 },
    { name: "columns", inputs: [tensor("u8", [1, 1, 0, 1, 2, 2, 1, 2, 0, 0, 1, 0], [3, 4])], attrs: { axis: -1 }, outputs: 4 },
    { name: "values alone", inputs: [f32([5, 5, 5])] },
    { name: "nothing", inputs: [f32([])] },
  ],
});
