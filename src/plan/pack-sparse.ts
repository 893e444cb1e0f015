/** Packed layouts of sparse layers (ABI_VERSION): what `assembly/kernels/*_sparse_*` read (`assembly/shared/sparse.ts`). */
import { BLOCK_K, F32_NR, PANEL_ROWS, QS8_NR } from "../../assembly/shared/layout.ts";
import { Op } from "../../assembly/shared/plan.ts";
import { CSR_ROWS, MATRIX_ROWS } from "../../assembly/shared/sparse.ts";
import type { SparseOp } from "../ops/lowering.ts";

interface Layout {
  /** Outputs in one run. */
  readonly lanes: number;
  /** Weights that a unit has of each of them. */
  readonly steps: number;
  /** What the number of units in a run is a multiple of. */
  readonly multiple: number;
}

export const SPARSE_LAYOUTS: Readonly<Record<SparseOp, Layout>> = {
  [Op.qs8_sparse_bsr]: { lanes: QS8_NR, steps: BLOCK_K, multiple: 1 },
  [Op.qs8_sparse_csr]: { lanes: 1, steps: 1, multiple: 2 },
  [Op.f32_sparse_bsr]: { lanes: F32_NR, steps: 1, multiple: 1 },
  [Op.f32_sparse_csr]: { lanes: 1, steps: 1, multiple: 1 },
};

/** Whether an op skips zeros among its weights. */
export const isSparse = (op: Op): op is SparseOp => op in SPARSE_LAYOUTS;

/** The farthest that one unit may lie behind the unit before it. */
const REACH = 255;

export interface SparseWeights<T extends Int8Array | Float32Array> {
  readonly values: T;
  readonly index: Uint8Array;
  readonly count: Int32Array;
}

/** A matrix [n][k], row-major, whose rows are in `groups` groups; a convolution's k runs over [kernel_h][kernel_w][in_c / groups]. */
export interface Rows<T extends Int8Array | Float32Array> {
  readonly data: T;
  readonly n: number;
  readonly k: number;
  readonly groups: number;
}

/** For each run of a layout, the steps at which some of its weights are not zero. */
export function keptUnits({ data, n, k, groups }: Rows<Int8Array | Float32Array>, op: SparseOp): number[][] {
  const { lanes, steps } = SPARSE_LAYOUTS[op];
  const outputs = n / groups;
  const runs: number[][] = [];
  for (let group = 0; group < n; group += outputs)
    for (let o = 0; o < outputs; o += lanes) {
      const [first, end] = [group + o, group + Math.min(o + lanes, outputs)];
      const kept: number[] = [];
      for (let step = 0; step * steps < k; step++)
        if (hasWeight(data, k, first, end, step * steps, Math.min((step + 1) * steps, k))) kept.push(step);
      runs.push(kept);
    }
  return runs;
}

function hasWeight(data: Int8Array | Float32Array, k: number, first: number, end: number, from: number, to: number): boolean {
  for (let o = first; o < end; o++) for (let i = from; i < to; i++) if (data[o * k + i] !== 0) return true;
  return false;
}

/** A run's units, those of zeros among them (as -1) that bridge what no distance does, or fill up the run. */
function* unitsOf(kept: readonly number[], multiple: number): Generator<{ readonly distance: number; readonly step: number }> {
  let at = 0;
  let units = 0;
  for (const step of kept) {
    for (; step - at > REACH; at += REACH, units++) yield { distance: REACH, step: -1 };
    yield { distance: step - at, step };
    at = step;
    units++;
  }
  for (; units % multiple !== 0; units++) yield { distance: 0, step: -1 };
}

/** The weights that are not zero, in the layout of an op. */
export function packSparse<T extends Int8Array | Float32Array>(rows: Rows<T>, op: SparseOp): SparseWeights<T> {
  const { data, n, k, groups } = rows;
  const { lanes, steps, multiple } = SPARSE_LAYOUTS[op];
  const outputs = n / groups;
  const perGroup = Math.ceil(outputs / lanes);
  const runs = keptUnits(rows, op);
  const count = Int32Array.from(runs, (kept) => unitCount(kept, multiple));
  const all = count.reduce((sum, units) => sum + units, 0);
  const index = new Uint8Array(all);
  const values = new (data.constructor as new (length: number) => T)(all * lanes * steps);
  let unit = 0;
  for (const [run, kept] of runs.entries()) {
    const lane = (run % perGroup) * lanes;
    const first = Math.floor(run / perGroup) * outputs + lane;
    const width = Math.min(lanes, outputs - lane);
    for (const { distance, step } of unitsOf(kept, multiple)) {
      index[unit] = distance;
      const depth = step < 0 ? 0 : Math.min(steps, k - step * steps);
      for (let o = 0; o < width; o++)
        for (let i = 0; i < depth; i++) values[(unit * lanes + o) * steps + i] = data[(first + o) * k + step * steps + i];
      unit++;
    }
  }
  return { values, index, count };
}

function unitCount(kept: readonly number[], multiple: number): number {
  let count = 0;
  for (const _ of unitsOf(kept, multiple)) count++;
  return count;
}

const multipleOf = (n: number, step: number): number => Math.ceil(n / step) * step;

/** Bytes of sums that `*_sparse_csr` keeps, by output and by row. */
const SUMS = 2 * CSR_ROWS * 16 * 4;

/** Bytes of scratch. `m` is the number of output pixels; a `pointwise` layer reads its input as the matrix that it is. */
export function sparseScratch(op: SparseOp, k: number, m: number, pointwise: boolean): number {
  switch (op) {
    case Op.qs8_sparse_bsr:
      return Math.min(m, PANEL_ROWS) * multipleOf(k, 2) * 2;
    case Op.qs8_sparse_csr:
      return SUMS + Math.min(m, CSR_ROWS) * multipleOf(k, 2) * 2 + (m < MATRIX_ROWS ? 0 : CSR_ROWS * multipleOf(k, 8) * 2);
    case Op.f32_sparse_bsr:
      return pointwise ? 0 : Math.min(m, PANEL_ROWS) * k * 4;
    case Op.f32_sparse_csr:
      return SUMS + (pointwise ? 0 : Math.min(m, CSR_ROWS) * k * 4) + (m < MATRIX_ROWS ? 0 : CSR_ROWS * multipleOf(k, 4) * 4);
  }
}
