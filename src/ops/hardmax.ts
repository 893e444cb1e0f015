import { elementCount, f32, i64, normalizeAxis, zeros } from "../tensor/index.ts";
import { attr, defineOp, wave } from "./define.ts";
import { ELEMENT_CODES } from "./element-type.ts";
import { viewOf } from "./softmax.ts";

/** 1 where the first of the largest elements along `axis` is, 0 elsewhere. With `coerce`, along all axes from `axis` on as one. */
export const Hardmax = defineOp({
  attrs: { axis: attr.int(-1), coerce: attr.int(0) },
  arity: [1, 1],
  tolerance: "exact",
  infer: ({ node, inputs: [x] }) => {
    if (x!.dtype !== "f32") throw new RangeError(`takes floats, not ${x!.dtype}`);
    viewOf(node, x!);
    return [{ dtype: "f32", shape: x!.shape }];
  },
  eval: ({ node, inputs: [x] }) => {
    const out = zeros({ dtype: "f32", shape: x!.shape });
    const { outer, n, inner } = viewOf(node, x!);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const at = (j: number): number => (o * n + j) * inner + i;
        let best = 0;
        for (let j = 1; j < n; j++) if (x!.data[at(j)] > x!.data[at(best)]) best = j;
        if (n > 0) out.data[at(best)] = 1;
      }
    }
    return [out];
  },
  /** Up to opset 12 the axes from `axis` on were one; the default was 1. */
  upgrade: (node, { opset }) => [opset < 13 ? { ...node, attrs: { axis: 1, ...node.attrs, coerce: 1 } } : node],
  decompose: ({ node, type, add, value }) => {
    const [x] = node.inputs;
    const { shape } = type(x);
    const axis = normalizeAxis(node.attrs.axis as number, shape.length);
    if (node.attrs.coerce) {
      const rows = [shape.slice(0, axis), shape.slice(axis)].map(elementCount);
      const flat = add("Hardmax", [add("Reshape", [x, value(i64(rows))])]);
      add("Reshape", [flat, value(i64(shape))], {}, node.outputs);
      return;
    }
    const places = i64(
      Array.from({ length: shape[axis] }, (_, i) => i),
      shape.slice(axis).map((d, i) => (i === 0 ? d : 1)),
    );
    const hit = add("Equal", [add("ArgMax", [x], { axis, keepdims: 1 }), value(places)]);
    add("Cast", [hit], { to: ELEMENT_CODES.f32 }, node.outputs);
  },
  cases: [
    { name: "last axis", inputs: [wave([2, 3, 5])] },
    { name: "first axis, equals", inputs: [f32([1, 2, 1, 2, 0, 2], [3, 2])], attrs: { axis: 0 } },
    { name: "several axes as one", inputs: [wave([2, 3, 5])], attrs: { axis: 1, coerce: 1 } },
  ],
});
