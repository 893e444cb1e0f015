/** Matrices by their diagonals. */
import { elementCount, i64, type Shape, type Tensor, type TensorType, tensor, zeros } from "../tensor/index.ts";
import { attr, defineOp, type InferContext, wave } from "./define.ts";
import { ELEMENT_TYPES, elementTypeName } from "./element-type.ts";

/** Number of the diagonal that each place of a matrix lies on: column − row. */
function diagonals([rows, columns]: Shape): Tensor {
  return i64(
    Array.from({ length: rows * columns }, (_, i) => (i % columns) - Math.floor(i / columns)),
    [rows, columns],
  );
}

function matrixOf(x: TensorType): Shape {
  if (x.shape.length < 2) throw new RangeError(`takes matrices, not [${x.shape}]`);
  return x.shape.slice(-2);
}

/** The upper or lower triangle of matrices, up to the diagonal `k`; zeros elsewhere. */
export const Trilu = defineOp({
  attrs: { upper: attr.int(1) },
  arity: [1, 2],
  tolerance: "exact",
  infer: ({ inputs: [x, k] }) => {
    matrixOf(x!);
    if (k && elementCount(k.shape) !== 1) throw new RangeError(`k must be one number, is [${k.shape}]`);
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  eval: ({ node, inputs: [x, k] }) => {
    const { data } = diagonals(matrixOf(x!));
    const last = k?.data[0] ?? 0;
    const out = zeros({ dtype: x!.dtype, shape: x!.shape });
    x!.data.forEach((v, i) => {
      const diagonal = data[i % data.length];
      if (node.attrs.upper ? diagonal >= last : diagonal <= last) out.data[i] = v;
    });
    return [out];
  },
  decompose: ({ node, type, add, value }) => {
    const [x, k] = node.inputs;
    const last = k || value(i64([0], []));
    const inside = add(node.attrs.upper ? "GreaterOrEqual" : "LessOrEqual", [value(diagonals(matrixOf(type(x)))), last]);
    add("Where", [inside, x, value(zeros({ dtype: type(x).dtype, shape: [] }))], {}, node.outputs);
  },
  cases: [
    { name: "upper", inputs: [wave([2, 3, 4])] },
    { name: "lower, below the diagonal", inputs: [wave([4, 3]), i64([-1], [])], attrs: { upper: 0 }, constants: [1] },
    { name: "a computed diagonal", inputs: [tensor("i32", [1, 2, 3, 4, 5, 6], [2, 3]), i64([1], [])] },
    { name: "outside", inputs: [wave([2, 3]), i64([9], [])], attrs: { upper: 0 }, constants: [1] },
    { name: "bool", inputs: [tensor("bool", [1, 1, 1, 1], [2, 2])] },
  ],
});

/** Ones on the diagonal `k` of a matrix of the input's shape. */
export const EyeLike = defineOp({
  attrs: { dtype: attr.int(), k: attr.int(0) },
  arity: [1, 1],
  tolerance: "exact",
  infer: (ctx) => [eyeType(ctx)],
  eval: (ctx) => [eye(eyeType(ctx), ctx.node.attrs.k as number)],
  fold: (ctx) => [eye(eyeType(ctx), ctx.node.attrs.k as number)],
  decompose: ({ node, type, add, value }) => {
    add("Identity", [value(eye(type(node.outputs[0]), node.attrs.k as number))], {}, node.outputs);
  },
  cases: [
    { name: "the type of the input", inputs: [wave([3, 4])] },
    { name: "beside the diagonal", inputs: [wave([3, 4])], attrs: { k: 1, dtype: 6 } },
  ],
});

function eyeType({ node, inputs: [x] }: Pick<InferContext, "node" | "inputs">): TensorType {
  const code = node.attrs.dtype as number | undefined;
  const type = code === undefined ? x!.dtype : ELEMENT_TYPES.get(code)?.dtype;
  if (!type) throw new RangeError(`element type ${elementTypeName(code!)} is not supported`);
  if (x!.shape.length !== 2) throw new RangeError(`takes a matrix, not [${x!.shape}]`);
  return { dtype: type, shape: x!.shape };
}

function eye({ dtype, shape }: TensorType, k: number): Tensor {
  const { data } = diagonals(shape);
  return tensor(
    dtype,
    data.map((diagonal) => Number(diagonal === k)),
    shape,
  );
}
