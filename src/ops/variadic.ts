/** Sums and means of any number of tensors. */
import { type Tensor, tensor, zeros } from "../tensor/index.ts";
import { broadcastReader, commonShape } from "./broadcast.ts";
import { type Decomposition, defineOp, type OpDef, wave } from "./define.ts";

function variadic(mean: boolean): OpDef {
  return defineOp({
    attrs: {},
    arity: [1, Number.POSITIVE_INFINITY],
    tolerance: 1e-6,
    infer: ({ inputs }) => {
      const types = new Set(inputs.map((x) => x!.dtype));
      if (!types.has("f32") || types.size > 1) throw new RangeError(`takes floats, not ${[...types].join(" and ")}`);
      return [{ dtype: "f32", shape: commonShape(inputs) }];
    },
    eval: ({ inputs }): Tensor[] => {
      const out = zeros({ dtype: "f32", shape: commonShape(inputs) });
      const readers = inputs.map((x) => broadcastReader(x!, out.shape));
      for (let i = 0; i < out.data.length; i++) out.data[i] = readers.reduce((sum, read) => sum + read(i), 0) / (mean ? readers.length : 1);
      return [out];
    },
    decompose: (parts) => addUp(parts, mean),
    cases: [
      { name: "three that are stretched", inputs: [wave([2, 3]), wave([3], 2), wave([2, 1], 3)] },
      { name: "two", inputs: [wave([5]), wave([5], 2)] },
      { name: "one", inputs: [wave([5])] },
    ],
  });
}

function addUp({ node, add, value }: Decomposition, mean: boolean): void {
  const { inputs, outputs } = node;
  const last = inputs.length - 1;
  if (last === 0) {
    add("Identity", inputs, {}, outputs);
    return;
  }
  const sum = inputs
    .slice(1)
    .reduce((left, right, i) => add("Add", [left, right], {}, !mean && i === last - 1 ? outputs : undefined), inputs[0]);
  if (mean) add("Div", [sum, value(tensor("f32", [inputs.length], []))], {}, outputs);
}

export const Sum = variadic(false);
export const Mean = variadic(true);
