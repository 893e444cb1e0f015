import * as simd from "../kernels/index";
import * as scalar from "../scalar/index";
import { CopyField, FillField } from "../shared/plan";
import { bytes, record, SAME, seed, set, twins } from "./harness";

/** Two planes of m×n. */
function copy(size: i32, m: i32, n: i32, s4: i32, s5: i32, t4: i32, t5: i32): i32 {
  seed(m * 100 + n + size);
  const span = (m * n + 7) * 4;
  const r = record(CopyField.t5 + 1);
  for (let dim = 0; dim < 6; dim++) set(r, CopyField.d0 + dim, 1);
  set(r, CopyField.size, size);
  set(r, CopyField.d2, 2);
  set(r, CopyField.d4, m);
  set(r, CopyField.d5, n);
  set(r, CopyField.s2, span);
  set(r, CopyField.s4, s4);
  set(r, CopyField.s5, s5);
  set(r, CopyField.t2, span);
  set(r, CopyField.t4, t4);
  set(r, CopyField.t5, t5);
  set(r, CopyField.src, <i32>bytes(2 * span * size));
  return twins(r, CopyField.dst, 2 * span * size, simd.copy, scalar.copy);
}

function fill(size: i32, count: i32): i32 {
  const r = record(FillField.value + 1);
  set(r, FillField.size, size);
  set(r, FillField.count, count);
  set(r, FillField.value, 0x12345678);
  return twins(r, FillField.dst, count * size, simd.fill, scalar.fill);
}

describe("copy", () => {
  test("gives the bytes of its definition for every pair of strides", () => {
    for (let size = 1; size <= 4; size += 3) {
      for (let m = 1; m < 20; m += 3) {
        for (let n = 1; n < 20; n += 2) {
          expect<i32>(copy(size, m, n, n, 1, n, 1)).toBe(SAME, "one run");
          expect<i32>(copy(size, m, n, n, 1, n + 3, 1)).toBe(SAME, "rows");
          expect<i32>(copy(size, m, n, 1, m, 1, m + 2)).toBe(SAME, "columns");
          expect<i32>(copy(size, m, n, 1, m, n, 1)).toBe(SAME, "transpose");
          expect<i32>(copy(size, m, n, n + 1, 1, 1, m + 2)).toBe(SAME, "transpose the other way, with gaps");
          expect<i32>(copy(size, m, n, 2 * n, 2, n, 1)).toBe(SAME, "every other element");
          expect<i32>(copy(size, m, n, 0, 1, n, 1)).toBe(SAME, "one row repeated");
          expect<i32>(copy(size, m, n, 1, 0, n, 1)).toBe(SAME, "one column repeated");
        }
      }
    }
  });
});

describe("fill", () => {
  test("writes just its elements", () => {
    for (let n = 1; n < 40; n++) {
      expect<i32>(fill(1, n)).toBe(SAME, "bytes");
      expect<i32>(fill(4, n)).toBe(SAME, "words");
    }
  });
});
