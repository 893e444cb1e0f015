import type { Node } from "../graph/graph.ts";
import { broadcastShapes, broadcastStrides, elementCount, type Shape, type TensorType, tensor, zeros } from "../tensor/index.ts";
import { areIntegers, asReals } from "./as-reals.ts";
import { defineOp } from "./define.ts";
import {
  ACTIVATION,
  blockCases,
  emitGemm,
  epilogueOf,
  finish,
  floatWords,
  LinearSum,
  linearCase,
  linearInput,
  linearOutput,
  packMatrix,
  takeBlocks,
  takeReals,
} from "./linear.ts";
import type { Lowering } from "./lowering.ts";

interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Shape of the stack of matrices, and how a and b are stepped through along it, in matrices. */
  readonly stack: Shape;
  readonly aSteps: readonly number[];
  readonly bSteps: readonly number[];
  readonly shape: Shape;
}

/** Reads both shapes as stacks of matrices, as numpy.matmul does: 1-D operands are a row and a column. */
function productOf(a: TensorType, b: TensorType): Product {
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
  if (left.length < 2 || right.length < 2) throw new RangeError("operands must have at least one dimension");
  const [m, k] = left.slice(-2);
  const [k2, n] = right.slice(-2);
  const stack = broadcastShapes(left.slice(0, -2), right.slice(0, -2));
  if (k !== k2 || !stack) throw new RangeError(`[${a.shape}] and [${b.shape}] cannot be multiplied`);
  const shape = [...stack, ...(a.shape.length === 1 ? [] : [m]), ...(b.shape.length === 1 ? [] : [n])];
  return { m, n, k, stack, aSteps: broadcastStrides(left.slice(0, -2), stack), bSteps: broadcastStrides(right.slice(0, -2), stack), shape };
}

/** Product of stacks of matrices. edgepack's own: an optional bias of [n] as third input, and a fused activation. */
export const MatMul = defineOp({
  attrs: ACTIVATION,
  arity: [2, 3],
  tolerance: 1e-5,
  infer({ node, inputs: [a, b, bias] }) {
    if (!areIntegers(a!, b!)) takeReals(a!, b!);
    const { shape, n } = productOf(a!, b!);
    takeBlocks(b!, blockAxis(b!));
    if (bias && elementCount(bias.shape) !== n) throw new RangeError(`bias [${bias.shape}] does not fit ${n} columns`);
    return [productType(node, a!, b!, shape)];
  },
  eval({ node, inputs: [a, b, bias] }) {
    const { m, n, k, stack, aSteps, bSteps, shape } = productOf(a!, b!);
    const out = zeros(productType(node, a!, b!, shape));
    const epilogue = epilogueOf(node, a!, b!, bias?.data, n);
    const input = linearInput(a!, b!, epilogue.form, m * elementCount(stack), (index) => Math.floor(index / k));
    const sum = new LinearSum(b!);
    let at = 0;
    eachMatrix(stack, [aSteps, bSteps], ([i, j]) => {
      for (let row = 0; row < m; row++) {
        for (let column = 0; column < n; column++) {
          for (let r = 0; r < k; r++) {
            const weight = (j * k + r) * n + column;
            sum.add(input.data[(i * m + row) * k + r] * b!.data[weight], weight);
          }
          out.data[at++] = finish(epilogue, sum.take(), column, input.scale(i * m + row));
        }
      }
    });
    return [out];
  },
  quantize: {
    kind: "linear",
    axis: (_node, { shape }) => (shape.length >= 2 && elementCount(shape.slice(0, -2)) === 1 ? shape.length - 1 : undefined),
    blockAxis: (_node, weight) => blockAxis(weight),
  },
  macs: (_node, [a], output) => elementCount(output.shape) * a!.shape[a!.shape.length - 1],
  decompose: (parts) => asReals(parts),
  lower: lowerMatMul,
  cases: [
    ...blockCases([3, 40], [40, 18], 0, { max: 2 }),
    linearCase("matrix", [[5, 7], [7, 9], [9]], {}),
    linearCase(
      "stack by matrix",
      [
        [2, 3, 4],
        [4, 18],
      ],
      { min: -0.5 },
    ),
    linearCase("vector by matrix", [[6], [6, 4]], {}),
    linearCase("matrix by vector", [[4, 6], [6]], {}),
    linearCase("nothing to sum", [[2, 0], [0, 3], [3]], {}),
    {
      ...linearCase(
        "stack by stack",
        [
          [2, 3, 4, 5],
          [2, 3, 5, 6],
        ],
        {},
      ),
      constants: [],
    },
    {
      ...linearCase(
        "broadcast stacks",
        [
          [2, 1, 4, 5],
          [3, 5, 9],
        ],
        {},
      ),
      constants: [],
    },
    {
      ...linearCase(
        "one matrix by stack",
        [
          [4, 5],
          [3, 5, 2],
        ],
        {},
      ),
      constants: [],
    },
    linearCase(
      "constant stack",
      [
        [3, 4, 5],
        [3, 5, 6],
      ],
      {},
    ),
    { name: "integers", inputs: [tensor("i32", [1, -2, 3, 4, 5, 600], [2, 3]), tensor("i32", [7, 8, -9, 10, 11, 12], [3, 2])] },
  ],
});

/** The axis that weights may lie in blocks along: what is summed over, of one matrix. */
function blockAxis({ shape }: TensorType): number | undefined {
  return shape.length >= 2 && elementCount(shape.slice(0, -2)) === 1 ? shape.length - 2 : undefined;
}

function productType(node: Node, a: TensorType, b: TensorType, shape: Shape): TensorType {
  return areIntegers(a, b) ? { dtype: a.dtype, shape } : linearOutput(node, shape);
}

/** Walks a stack of matrices; `visit` gets the index of the matrix of each operand. */
function eachMatrix(stack: Shape, steps: readonly (readonly number[])[], visit: (at: number[]) => void): void {
  const total = elementCount(stack);
  for (let i = 0; i < total; i++) {
    const at = steps.map(() => 0);
    for (let axis = stack.length - 1, rest = i; axis >= 0; axis--) {
      const position = rest % stack[axis];
      rest = Math.floor(rest / stack[axis]);
      for (let s = 0; s < steps.length; s++) at[s] += position * steps[s][axis];
    }
    visit(at);
  }
}

function lowerMatMul(ctx: Lowering): void {
  const [a, b, bias] = ctx.node.inputs;
  const { m, n, k, stack, aSteps, bSteps } = productOf(ctx.type(a), ctx.type(b));
  const tensor = ctx.constant(b);
  const biases = bias ? ctx.constant(bias) : undefined;
  if (bias && !biases) throw new RangeError("a bias that is computed while the model runs is not supported");
  const matrices = elementCount(ctx.type(b).shape.slice(0, -2));
  if (tensor && matrices === 1) {
    const matrix = { tensor, m: m * elementCount(stack), n, k, groups: 1, index: (o: number, r: number) => r * n + o };
    emitGemm(ctx, ctx.linear("gemm", a, matrix, biases), matrix);
    return;
  }
  const { w, w_step } = packMatrix(ctx, ctx.place(b), { n, k, k_stride: n, n_stride: 1, batch: matrices, step: n * k });
  const words = floatWords(ctx, ctx.place(a), w, biases ? ctx.image(Float32Array.from(biases.data)) : 0);
  // One record steps along the innermost axis of the stack; the axes around it take a record each.
  const axis = stack.length - 1;
  const batch = axis < 0 ? 1 : stack[axis];
  const out = ctx.place(ctx.node.outputs[0]);
  let first = 0;
  eachMatrix(stack.slice(0, -1), [aSteps.slice(0, -1), bSteps.slice(0, -1)], ([i, j]) => {
    const { a: left } = words;
    emitGemm(
      ctx,
      { ...words, a: { ...left, offset: left.offset + 4 * i * m * k }, w: { ...w, offset: w.offset + 4 * j * w_step } },
      {
        m,
        n,
        k,
        batch,
        a_step: axis < 0 ? 0 : aSteps[axis] * m * k,
        w_step: axis < 0 ? 0 : bSteps[axis] * w_step,
        c_step: m * n,
        c: { ...out, offset: out.offset + 4 * first * m * n },
      },
    );
    first += batch;
  });
}
