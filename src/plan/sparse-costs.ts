/** What a row of a sparse layer costs, measured against dense kernels. */
import { Op } from "../../assembly/shared/plan.ts";
import type { SparseOp } from "../ops/lowering.ts";

/** In multiply-accumulates of the dense kernel: of each weight in a kept unit, of each output, of each step of k. */
interface Cost {
  readonly weight: number;
  readonly output: number;
  readonly step: number;
}

/** Fewer rows than this are vectors. */
export const MATRIX_ROWS = 4;

/** `node benchmarks/sparse.mjs` prints this table: fits of its measurements on an AMD EPYC, Node 20. */
export const SPARSE_COSTS: Readonly<Record<SparseOp, { readonly vector: Cost; readonly matrix: Cost }>> = {
  [Op.qs8_sparse_bsr]: { vector: { weight: 1, output: 0, step: 0 }, matrix: { weight: 1, output: 0, step: 0 } },
  [Op.qs8_sparse_csr]: { vector: { weight: 13, output: 0, step: 0 }, matrix: { weight: 1.8, output: 0, step: 0 } },
  [Op.f32_sparse_bsr]: { vector: { weight: 1.4, output: 0, step: 0 }, matrix: { weight: 1, output: 0, step: 0 } },
  [Op.f32_sparse_csr]: { vector: { weight: 7.5, output: 0, step: 0 }, matrix: { weight: 1.3, output: 0, step: 0 } },
};
