/**
 * What the SIMD module exports beside the interpreter, for one reason only: an exported function is not inlined into its caller. Engines
 * replace baseline code call by call, so the loops that take the time must lie in functions that are called often.
 */
export { f32_dwconv_row } from "./dwconv";
export { f32_gemm_panel, f32_gemv_panel } from "./gemm_tiles";
export { f32_pool_row } from "./pool";
