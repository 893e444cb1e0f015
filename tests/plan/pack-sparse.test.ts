import { describe, expect, it } from "vitest";
import { ConvField, Op } from "../../assembly/shared/plan.ts";
import { SparseField } from "../../assembly/shared/sparse.ts";
import type { SparseOp } from "../../src/ops/lowering.ts";
import { packSparse, type Rows, SPARSE_LAYOUTS } from "../../src/plan/pack-sparse.ts";

const OPS = [Op.qs8_sparse_bsr, Op.qs8_sparse_csr, Op.f32_sparse_bsr, Op.f32_sparse_csr] as const;

/** Reads packed weights as a kernel does. */
function unpack(rows: Rows<Int8Array | Float32Array>, op: SparseOp): number[] {
  const { values, index, count } = packSparse(rows, op);
  const { lanes, steps } = SPARSE_LAYOUTS[op];
  const { n, k, groups } = rows;
  const dense = new Array<number>(n * k).fill(0);
  let [unit, run] = [0, 0];
  for (let group = 0; group < n; group += n / groups)
    for (let o = 0; o < n / groups; o += lanes, run++) {
      let step = 0;
      for (let u = 0; u < count[run]; u++, unit++) {
        step += index[unit];
        for (let lane = 0; lane < lanes; lane++)
          for (let i = 0; i < steps; i++) {
            const value = values[(unit * lanes + lane) * steps + i];
            if (value !== 0) dense[(group + o + lane) * k + step * steps + i] += value;
          }
      }
    }
  expect([unit, run]).toEqual([index.length, count.length]);
  expect(values.length).toBe(unit * lanes * steps);
  return dense;
}

function sparse(n: number, k: number, groups: number, every: number): Rows<Int8Array> {
  const data = Int8Array.from({ length: n * k }, (_, i) => ((i * 7919) % every === 0 ? ((i * 31) % 254) - 127 || 1 : 0));
  return { data, n, k, groups };
}

describe("sparse weights", () => {
  for (const op of OPS)
    it(`of ${Op[op]} are those that are not zero, at their places`, () => {
      for (const rows of [
        sparse(16, 8, 1, 3),
        sparse(21, 13, 1, 5),
        sparse(40, 9, 2, 7),
        sparse(3, 5000, 1, 4999),
        sparse(17, 700, 1, 691),
      ]) {
        const given = Op[op].startsWith("f32") ? { ...rows, data: Float32Array.from(rows.data, (v) => v / 3) } : rows;
        expect(unpack(given, op)).toEqual([...given.data]);
      }
    });

  it("have records that begin as those of convolutions do, with fields of their own after them", () => {
    const fields = Object.values(ConvField).filter((field) => typeof field === "number");
    expect(SparseField.index).toBe(Math.max(...fields) + 1);
  });

  it("cost nothing where all are zero", () => {
    for (const op of OPS) {
      const { values, index, count } = packSparse({ data: new Int8Array(20 * 6), n: 20, k: 6, groups: 1 }, op);
      expect([values.length, index.length, count.every((units) => units === 0)]).toEqual([0, 0, true]);
    }
  });

  it("come in even numbers where a kernel takes two at once", () => {
    expect([...packSparse(sparse(9, 11, 1, 2), Op.qs8_sparse_csr).count].every((units) => units % 2 === 0)).toBe(true);
  });
});
