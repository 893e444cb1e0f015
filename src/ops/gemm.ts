import type { Node } from "../graph/graph.ts";
import { broadcastShapes, broadcastStrides, elementCount, sameShape, type TensorType, tensor, zeros } from "../tensor/index.ts";
import { areIntegers, asReals } from "./as-reals.ts";
import { attr, defineOp } from "./define.ts";
import { linearCase, takeReals } from "./linear.ts";

function sizesOf(node: Node, a: TensorType, b: TensorType) {
  if (a.shape.length !== 2 || b.shape.length !== 2) throw new RangeError(`operands [${a.shape}] and [${b.shape}] must be matrices`);
  const [m, k] = node.attrs.transA ? [a.shape[1], a.shape[0]] : a.shape;
  const [k2, n] = node.attrs.transB ? [b.shape[1], b.shape[0]] : b.shape;
  if (k !== k2) throw new RangeError(`inner sizes ${k} and ${k2} differ`);
  return { m, n, k };
}

/** alpha · A′ · B′ + beta · C. The pass `gemm-to-matmul` takes it apart, so it has no kernels of its own. */
export const Gemm = defineOp({
  attrs: { alpha: attr.float(1), beta: attr.float(1), transA: attr.int(0), transB: attr.int(0) },
  arity: [2, 3],
  tolerance: 1e-5,
  infer({ node, inputs: [a, b, c] }) {
    if (!areIntegers(a!, b!)) takeReals(a!, b!);
    const { m, n } = sizesOf(node, a!, b!);
    const wide = c && broadcastShapes(c.shape, [m, n]);
    if (c && !(wide && sameShape(wide, [m, n]))) throw new RangeError(`C [${c.shape}] does not broadcast to [${[m, n]}]`);
    return [{ dtype: a!.dtype, shape: [m, n] }];
  },
  eval({ node, inputs: [a, b, c] }) {
    const { m, n, k } = sizesOf(node, a!, b!);
    const { alpha, beta, transA, transB } = node.attrs as Record<string, number>;
    const out = zeros({ dtype: a!.dtype, shape: [m, n] });
    const [cm, cn] = c ? broadcastStrides(c.shape, [m, n]) : [0, 0];
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let acc = 0;
        for (let r = 0; r < k; r++) acc += a!.data[transA ? r * m + i : i * k + r] * b!.data[transB ? j * k + r : r * n + j];
        out.data[i * n + j] = alpha * acc + (c ? beta * c.data[i * cm + j * cn] : 0);
      }
    }
    return [out];
  },
  decompose: (parts) => asReals(parts),
  macs: (node, [a], output) => elementCount(output.shape) * a!.shape[node.attrs.transA ? 0 : 1],
  cases: [
    linearCase("plain", [[3, 5], [5, 9], [9]], {}),
    linearCase("transB", [[1, 64], [10, 64], [10]], { transB: 1 }),
    linearCase(
      "transA, no C",
      [
        [5, 3],
        [5, 4],
      ],
      { transA: 1 },
    ),
    linearCase(
      "alpha and beta",
      [
        [4, 6],
        [6, 7],
        [1, 7],
      ],
      { alpha: 0.5, beta: 2 },
    ),
    linearCase(
      "C per row",
      [
        [4, 6],
        [6, 7],
        [4, 1],
      ],
      { beta: 0.5 },
    ),
    linearCase("scalar C", [[4, 6], [6, 7], []], {}),
    {
      ...linearCase(
        "all computed",
        [
          [4, 6],
          [7, 6],
          [4, 7],
        ],
        { transB: 1, alpha: 2 },
      ),
      constants: [],
    },
    {
      name: "integers",
      inputs: [tensor("i32", [1, -2, 3, 4], [2, 2]), tensor("i32", [7, 8, -9, 10], [2, 2]), tensor("i32", [5, 6])],
      attrs: { transB: 1 },
    },
  ],
});
