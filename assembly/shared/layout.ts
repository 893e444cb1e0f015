/** Packed layouts of weights: what `src/plan/pack.ts` and `src/plan/pack-qs8.ts` write and the kernels read. Literals only. */

/** Outputs in one panel of `f32_gemm`'s weights: [⌈n/NR⌉][k][NR], the tail zero. */
export const F32_NR = 8;

/** Outputs in one panel of `qs8_gemm`'s weights: [⌈n/NR⌉][⌈k/2⌉][NR][2] i8, the tail zero. `qs8_dwconv`'s are the same, a tap for each k. */
export const QS8_NR = 16;

/** Rows of `a` that one panel call handles; the im2col scratch holds this many. */
export const PANEL_ROWS = 48;

/** Tiles of 2×2 outputs that `qs8_winograd` takes through all outputs at a time. */
export const WINOGRAD_TILES = 32;

/** Steps of k that one block of sparse weights spans; it spans QS8_NR outputs. */
export const BLOCK_K = 2;
