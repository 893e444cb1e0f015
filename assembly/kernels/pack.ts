import { Field } from "../lib/record";
import { F32_NR } from "../shared/layout";
import { PackField } from "../shared/plan";
import { Lanes } from "./lanes";

/** Op `f32_pack`. */
export function f32_pack(r: usize): void {
  const n = Field.i32(r, PackField.n);
  const k = Field.i32(r, PackField.k);
  const ks = Field.i32(r, PackField.k_stride);
  const ns = Field.i32(r, PackField.n_stride);
  let b = Field.address(r, PackField.b);
  let w = Field.address(r, PackField.w);
  for (let batch = Field.i32(r, PackField.batch); batch > 0; batch--) {
    f32_pack_matrix(n, k, b, ks, ns, w);
    b += Field.i32(r, PackField.b_step) << 2;
    w += Field.i32(r, PackField.w_step) << 2;
  }
}

/** Packs one matrix, panel by panel. */
export function f32_pack_matrix(n: i32, k: i32, b: usize, ks: i32, ns: i32, w: usize): void {
  for (; n > 0; n -= F32_NR) {
    panel(b, w, min(n, F32_NR), k, ks, ns);
    b += (ns * F32_NR) << 2;
    w += (k * F32_NR) << 2;
  }
}

function panel(b: usize, w: usize, cols: i32, k: i32, ks: i32, ns: i32): void {
  if (cols === F32_NR && ks === 1) {
    for (; k >= 4; k -= 4, b += 16, w += 128) {
      Tile.transpose(b, ns << 2, w);
      Tile.transpose(b + <isize>(ns << 4), ns << 2, w + 16);
    }
  }
  if (cols === F32_NR && ns === 1) {
    for (; k > 0; k--, b += ks << 2, w += 32) {
      v128.store(w, v128.load(b));
      v128.store(w, v128.load(b, 16), 16);
    }
  }
  for (; k > 0; k--, b += ks << 2, w += 32) {
    v128.store(w, Lanes.load_strided(b, ns, cols));
    v128.store(w, Lanes.load_strided(b + <isize>(ns << 4), ns, cols - 4), 16);
  }
}

class Tile {
  /** Four rows of four at `b`, `step` bytes apart, become the columns of four rows at `w`, one panel row apart. */
  @inline static transpose(b: usize, step: isize, w: usize): void {
    const p = v128.load(b);
    const q = v128.load(b + step);
    const s = v128.load(b + 2 * step);
    const t = v128.load(b + 3 * step);
    const pq = v128.shuffle<i32>(p, q, 0, 4, 1, 5);
    const st = v128.shuffle<i32>(s, t, 0, 4, 1, 5);
    const pq2 = v128.shuffle<i32>(p, q, 2, 6, 3, 7);
    const st2 = v128.shuffle<i32>(s, t, 2, 6, 3, 7);
    v128.store(w, v128.shuffle<i64>(pq, st, 0, 2));
    v128.store(w, v128.shuffle<i64>(pq, st, 1, 3), 32);
    v128.store(w, v128.shuffle<i64>(pq2, st2, 0, 2), 64);
    v128.store(w, v128.shuffle<i64>(pq2, st2, 1, 3), 96);
  }
}
