import { elementCount, i64, tensor, zeros } from "../tensor/index.ts";
import { sliced } from "./conv-axes.ts";
import { attr, defineOp, wave } from "./define.ts";

/** x / (bias + alpha / size · Σ x²)^beta, summed over `size` neighbouring channels. */
export const LRN = defineOp({
  attrs: { alpha: attr.float(1e-4), beta: attr.float(0.75), bias: attr.float(1), size: attr.required(attr.int()) },
  arity: [1, 1],
  tolerance: 1e-5,
  infer: ({ node, inputs: [x] }) => {
    if (!((node.attrs.size as number) >= 1)) throw new RangeError(`size ${node.attrs.size} must be positive`);
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  eval: ({ node, inputs: [x] }) => {
    const { alpha, beta, bias, size } = node.attrs as Record<string, number>;
    const channels = x!.shape[1];
    const inner = elementCount(x!.shape.slice(2));
    const out = zeros(x!);
    x!.data.forEach((v, i) => {
      const c = Math.floor(i / inner) % channels;
      let sum = 0;
      for (let k = Math.max(0, c - ((size - 1) >> 1)); k <= Math.min(channels - 1, c + (size >> 1)); k++)
        sum += x!.data[i + (k - c) * inner] ** 2;
      out.data[i] = v / (bias + (alpha / size) * sum) ** beta;
    });
    return [out];
  },
  decompose: (parts) => {
    const { inputs, outputs, attrs } = parts.node;
    const { alpha, beta, bias, size } = attrs as Record<string, number>;
    const { shape } = parts.type(inputs[0]);
    const number = (value: number) => parts.value(tensor("f32", [value], []));
    const around = shape.flatMap(() => [0, 0]);
    around[1] = (size - 1) >> 1;
    around[1 + shape.length] = size >> 1;
    const squares = parts.add("Pad", [parts.add("Mul", inputs.concat(inputs)), parts.value(i64(around))]);
    let sum = sliced(parts, squares, 1, 0, shape[1]);
    for (let k = 1; k < size; k++) sum = parts.add("Add", [sum, sliced(parts, squares, 1, k, shape[1] + k)]);
    const base = parts.add("Add", [parts.add("Mul", [sum, number(alpha / size)]), number(bias)]);
    parts.add("Div", [inputs[0], parts.add("Pow", [base, number(beta)])], {}, outputs);
  },
  cases: [
    { name: "odd size", inputs: [wave([2, 7, 3, 2])], attrs: { size: 3, alpha: 0.5, bias: 2 } },
    { name: "even size", inputs: [wave([1, 5, 4])], attrs: { size: 4, alpha: 1, beta: 0.5 } },
  ],
});
