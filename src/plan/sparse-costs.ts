/** What a row of a sparse layer costs, measured against dense kernels. */
import { Op } from "../../assembly/shared/plan.ts";
import type { SparseOp } from "../ops/lowering.ts";

/** In multiply-accumulates of the dense kernel: of each weight in a kept unit, of each output, of each step of k. */
interface Cost {
  readonly weight: number;
  readonly output: number;
  readonly step: number;
}

/** What a weight costs by Winograd's method, in the same unit. */
export const WINOGRAD_WEIGHT = 0.55;

/** Fitted to what `node benchmarks/sparse.mjs` measured on an AMD EPYC, Node 20, without samples that other processes disturbed; it prints its own fit. */
export const SPARSE_COSTS: Readonly<Record<SparseOp, { readonly vector: Cost; readonly matrix: Cost }>> = {
  [Op.qs8_sparse_bsr]: { vector: { weight: 1.05, output: 15, step: 0 }, matrix: { weight: 0.97, output: 7.5, step: 3 } },
  [Op.qs8_sparse_csr]: { vector: { weight: 13, output: 15, step: 0 }, matrix: { weight: 1.75, output: 14.5, step: 4 } },
  [Op.f32_sparse_bsr]: { vector: { weight: 1.45, output: 18, step: 0 }, matrix: { weight: 0.95, output: 3, step: 3 } },
  [Op.f32_sparse_csr]: { vector: { weight: 7.5, output: 0, step: 0 }, matrix: { weight: 1.3, output: 10, step: 5 } },
};
