/**
 * What the SIMD module exports beside the interpreter, for one reason only: an exported function is not inlined into its caller. Engines
 * replace baseline code call by call, so the loops that take the time must lie in functions that are called often.
 */
export { f32_attention_row } from "./attention";
export { f32_im2col } from "./conv";
export { f32_dwconv_row } from "./dwconv";
export { f32_bsr_1x8, f32_bsr_4x8 } from "./f32_sparse_bsr";
export { f32_csr_1x16, f32_csr_16x16, f32_csr_turn } from "./f32_sparse_csr";
export { f32_gemm_1x16, f32_gemm_3x8, f32_gemm_4x8 } from "./gemm_tiles";
export { f32_pool_row } from "./pool";
export { qs8_binary_row } from "./qs8_binary";
export { qs8_qc8w_dwconv_2x8 } from "./qs8_dwconv";
export { qs8_im2col } from "./qs8_im2col";
export { qs8_qc8w_gemm_1x16, qs8_qc8w_gemm_4x8 } from "./qs8_panel";
export { qs8_pool_row } from "./qs8_pool";
export { qs8_qb4w_gemv_1x16, qs8_qb4w_unpack, qs8_qb8w_unpack, qs8_qbw_gemm_4x8 } from "./qs8_qbw_panel";
export { qs8_mean_columns, qs8_mean_row } from "./qs8_reduce";
export { qs8_bsr_1x16, qs8_bsr_4x8 } from "./qs8_sparse_bsr";
export { qs8_csr_1x16, qs8_csr_16x16, qs8_csr_turn } from "./qs8_sparse_csr";
export { qs8_winograd_input, qs8_winograd_output, qs8_winograd_weights, s16_gemm_4x8 } from "./qs8_winograd";
export { qs8_sparse_rows } from "./sparse_rows";
