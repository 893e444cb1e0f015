/** Which layers run sparse: those whose zeros repay it, by measured costs. */
import { Op } from "../../assembly/shared/plan.ts";
import { MATRIX_ROWS } from "../../assembly/shared/sparse.ts";
import type { LinearKernel, Place, SparseOp, SparseWords, WeightMatrix } from "../ops/lowering.ts";
import type { Buffers } from "./buffers.ts";
import { keptUnits, packSparse, type Rows, SPARSE_LAYOUTS, sparseScratch } from "./pack-sparse.ts";
import { SPARSE_COSTS, WINOGRAD_WEIGHT } from "./sparse-costs.ts";

/** Weights of a layer packed for a sparse kernel, and the bytes of scratch that it needs. */
export interface SparseLayer {
  readonly w: Place;
  readonly words: SparseWords;
  readonly scratch: number;
}

/** Weights as [n][k]. */
type RowsOf = (matrix: WeightMatrix) => Int8Array | Float32Array;

const OPS = {
  integer: [Op.qs8_sparse_bsr, Op.qs8_sparse_csr],
  float: [Op.f32_sparse_bsr, Op.f32_sparse_csr],
} as const;

/** Where fewer weights than this are zero, no layout is tried. */
const LEAST_ZEROS = 0.1;

/**
 * The layer in the sparse layout that costs least, or undefined where the dense kernel costs less. Depthwise layers are dense, and so are f32 layers
 * whose weights are stored on a grid: what expands them as they are unpacked knows panels alone.
 */
export function sparseLayer(
  buffers: Buffers,
  kernel: LinearKernel,
  integer: boolean,
  matrix: WeightMatrix,
  rowsOf: RowsOf,
): SparseLayer | undefined {
  const { tensor, n, k, m, groups } = matrix;
  if (kernel === "dwconv" || (!integer && tensor.dtype === "i8")) return undefined;
  const zeros = (tensor.data as Int8Array).reduce((count, v) => count + (v === 0 ? 1 : 0), 0);
  if (zeros < LEAST_ZEROS * tensor.data.length) return undefined;
  const rows = { data: rowsOf(matrix), n, k, groups };
  const op = cheapest(kernel, rows, m, OPS[integer ? "integer" : "float"]);
  if (op === undefined) return undefined;
  const { values, index, count } = packSparse(rows, op);
  const packed = (data: typeof values | typeof index): Place => buffers.packed(tensor.data, { data });
  return {
    w: packed(values),
    words: { op, index: packed(index), count: buffers.image(count, true) },
    scratch: sparseScratch(op, k, m, kernel === "gemm"),
  };
}

function cheapest(kernel: LinearKernel, rows: Rows<Int8Array | Float32Array>, m: number, ops: readonly SparseOp[]): SparseOp | undefined {
  let best: SparseOp | undefined;
  let least = rows.n * rows.k * (kernel === "winograd" ? WINOGRAD_WEIGHT : 1);
  for (const op of ops) {
    const cost = SPARSE_COSTS[op][m < MATRIX_ROWS ? "vector" : "matrix"];
    const { lanes, steps } = SPARSE_LAYOUTS[op];
    const units = keptUnits(rows, op).reduce((sum, run) => sum + run.length, 0);
    const all = cost.weight * units * lanes * steps + cost.output * rows.n + cost.step * rows.k;
    if (all >= least) continue;
    [best, least] = [op, all];
  }
  return best;
}
