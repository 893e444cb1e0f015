import { elementCount, i64, tensor } from "../tensor/index.ts";
import { attr, defineOp, wave } from "./define.ts";

/** The shape of the input as integers, cut to start..end. It follows from types alone, so it never runs. */
export const Shape = defineOp({
  attrs: { start: attr.int(0), end: attr.int() },
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ node, inputs: [x] }) => [{ dtype: "i64", shape: [part(node.attrs, x!.shape).length] }],
  eval: ({ node, inputs: [x] }) => [i64(part(node.attrs, x!.shape))],
  fold: ({ node, inputs: [x] }) => [i64(part(node.attrs, x!.shape))],
  cases: [
    { name: "whole", inputs: [wave([2, 3, 4])], constants: [0] },
    { name: "from start to end", inputs: [wave([2, 3, 4])], attrs: { start: -2, end: 2 }, constants: [0] },
  ],
});

const part = (attrs: Readonly<Record<string, unknown>>, shape: readonly number[]) =>
  shape.slice(attrs.start as number, attrs.end as number | undefined);

export const Size = defineOp({
  attrs: {},
  arity: [1, 1],
  tolerance: "exact",
  infer: () => [{ dtype: "i64", shape: [] }],
  eval: ({ inputs: [x] }) => [tensor("i64", [elementCount(x!.shape)], [])],
  fold: ({ inputs: [x] }) => [tensor("i64", [elementCount(x!.shape)], [])],
  cases: [{ name: "elements", inputs: [wave([2, 3])], constants: [0] }],
});
