/**
 * Sparse layers: records of the ops `*_sparse_bsr` and `*_sparse_csr`, and what they read. Literals only.
 *
 * A sparse layer is a convolution record (ConvField; a matrix product is pointwise, over m pixels in a row) with the fields below after it.
 * `w` holds the values that are kept, `index` an u8 for each kept unit: how many steps of k it lies behind the unit before it in its run (behind
 * the start of k for the first), `count` an i32 for each run: how many units it has. What lies further than 255 steps behind is reached by units of zeros.
 *
 * | op | run | unit | a step is |
 * |---|---|---|---|
 * | qs8_sparse_bsr | panel of QS8_NR outputs of one group | [QS8_NR][2] i8 | a pair of k |
 * | f32_sparse_bsr | panel of F32_NR outputs of one group | [F32_NR] f32 | one k |
 * | qs8_sparse_csr | output | one i8; an even number of units | one k |
 * | f32_sparse_csr | output | one f32 | one k |
 *
 * Runs are in order of outputs, groups one after another. `bias` and `scale` are padded as in dense records.
 */
export enum SparseField {
  index = 30,
  count,
}

/** Fewer rows than this `*_sparse_csr` sums one by one, as vectors. */
export const MATRIX_ROWS = 4;

/** Rows of `a` that one tile of `*_sparse_csr` computes at a time, in lanes. */
export const CSR_ROWS = 16;
