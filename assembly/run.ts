import * as simd from "./kernels/index";
import * as scalar from "./scalar/index";
import { ABI_VERSION, Header, Op } from "./shared/plan";

export { unpack } from "./unpack/chunk";
export { burst } from "./unpack/rans";

/** Version of the plans and packed layouts that this module reads. */
export function abi(): i32 {
  return ABI_VERSION;
}

/** Runs the plan at this address, record by record; traps at an op that this module does not know. */
export function run(plan: usize): void {
  let next: usize = 0;
  for (let r = plan; ; r = next) {
    next = r + ((<usize>load<u32>(r + (Header.words << 2))) << 2);
    switch (load<i32>(r + (Header.op << 2))) {
      case Op.copy:
        if (ASC_FEATURE_SIMD) simd.copy(r);
        else scalar.copy(r);
        break;
      case Op.fill:
        if (ASC_FEATURE_SIMD) simd.fill(r);
        else scalar.fill(r);
        break;
      case Op.f32_unary:
        if (ASC_FEATURE_SIMD) simd.f32_unary(r);
        else scalar.f32_unary(r);
        break;
      case Op.f32_binary:
        if (ASC_FEATURE_SIMD) simd.f32_binary(r);
        else scalar.f32_binary(r);
        break;
      case Op.f32_pack:
        if (ASC_FEATURE_SIMD) simd.f32_pack(r);
        else scalar.f32_pack(r);
        break;
      case Op.f32_gemm:
        if (ASC_FEATURE_SIMD) simd.f32_gemm(r);
        else scalar.f32_gemm(r);
        break;
      case Op.f32_conv:
        if (ASC_FEATURE_SIMD) simd.f32_conv(r);
        else scalar.f32_conv(r);
        break;
      case Op.f32_dwconv:
        if (ASC_FEATURE_SIMD) simd.f32_dwconv(r);
        else scalar.f32_dwconv(r);
        break;
      case Op.f32_pool:
        if (ASC_FEATURE_SIMD) simd.f32_pool(r);
        else scalar.f32_pool(r);
        break;
      case Op.f32_reduce:
        if (ASC_FEATURE_SIMD) simd.f32_reduce(r);
        else scalar.f32_reduce(r);
        break;
      case Op.f32_softmax:
        if (ASC_FEATURE_SIMD) simd.f32_softmax(r);
        else scalar.f32_softmax(r);
        break;
      case Op.f32_layernorm:
        if (ASC_FEATURE_SIMD) simd.f32_layernorm(r);
        else scalar.f32_layernorm(r);
        break;
      case Op.f32_attention:
        if (ASC_FEATURE_SIMD) simd.f32_attention(r);
        else scalar.f32_attention(r);
        break;
      case Op.f32_rmsnorm:
        if (ASC_FEATURE_SIMD) simd.f32_rmsnorm(r);
        else scalar.f32_rmsnorm(r);
        break;
      case Op.qs8_quantize:
        if (ASC_FEATURE_SIMD) simd.qs8_quantize(r);
        else scalar.qs8_quantize(r);
        break;
      case Op.qs8_dequantize:
        if (ASC_FEATURE_SIMD) simd.qs8_dequantize(r);
        else scalar.qs8_dequantize(r);
        break;
      case Op.qs8_quantize_dynamic:
        if (ASC_FEATURE_SIMD) simd.qs8_quantize_dynamic(r);
        else scalar.qs8_quantize_dynamic(r);
        break;
      case Op.qs8_gemm:
        if (ASC_FEATURE_SIMD) simd.qs8_gemm(r);
        else scalar.qs8_gemm(r);
        break;
      case Op.qs8_conv:
        if (ASC_FEATURE_SIMD) simd.qs8_conv(r);
        else scalar.qs8_conv(r);
        break;
      case Op.qs8_dwconv:
        if (ASC_FEATURE_SIMD) simd.qs8_dwconv(r);
        else scalar.qs8_dwconv(r);
        break;
      case Op.qs8_pool:
        if (ASC_FEATURE_SIMD) simd.qs8_pool(r);
        else scalar.qs8_pool(r);
        break;
      case Op.qs8_reduce_mean:
        if (ASC_FEATURE_SIMD) simd.qs8_reduce_mean(r);
        else scalar.qs8_reduce_mean(r);
        break;
      case Op.qs8_binary:
        if (ASC_FEATURE_SIMD) simd.qs8_binary(r);
        else scalar.qs8_binary(r);
        break;
      case Op.qs8_table:
        if (ASC_FEATURE_SIMD) simd.qs8_table(r);
        else scalar.qs8_table(r);
        break;
      case Op.qs8_sparse_bsr:
        if (ASC_FEATURE_SIMD) simd.qs8_sparse_bsr(r);
        else scalar.qs8_sparse_bsr(r);
        break;
      case Op.qs8_sparse_csr:
        if (ASC_FEATURE_SIMD) simd.qs8_sparse_csr(r);
        else scalar.qs8_sparse_csr(r);
        break;
      case Op.f32_sparse_bsr:
        if (ASC_FEATURE_SIMD) simd.f32_sparse_bsr(r);
        else scalar.f32_sparse_bsr(r);
        break;
      case Op.f32_sparse_csr:
        if (ASC_FEATURE_SIMD) simd.f32_sparse_csr(r);
        else scalar.f32_sparse_csr(r);
        break;
      case Op.gather:
        scalar.gather(r);
        break;
      case Op.gather_elements:
        scalar.gather_elements(r);
        break;
      case Op.gather_nd:
        scalar.gather_nd(r);
        break;
      case Op.scatter_elements:
        scalar.scatter_elements(r);
        break;
      case Op.scatter_nd:
        scalar.scatter_nd(r);
        break;
      case Op.arg:
        scalar.arg(r);
        break;
      case Op.top_k:
        scalar.top_k(r);
        break;
      case Op.cumulative_sum:
        scalar.cumulative_sum(r);
        break;
      case Op.one_hot:
        scalar.one_hot(r);
        break;
      case Op.non_zero:
        scalar.non_zero(r);
        break;
      case Op.compress:
        scalar.compress(r);
        break;
      case Op.unique:
        scalar.unique(r);
        break;
      case Op.non_max_suppression:
        scalar.non_max_suppression(r);
        break;
      case Op.reverse_sequence:
        scalar.reverse_sequence(r);
        break;
      case Op.cast:
        scalar.cast(r);
        break;
      case Op.element_binary:
        scalar.element_binary(r);
        break;
      case Op.element_unary:
        scalar.element_unary(r);
        break;
      case Op.where:
        scalar.where(r);
        break;
      case Op.jump:
        next = scalar.jump(r);
        break;
      case Op.jump_if:
        next = scalar.jump_if(r, next);
        break;
      case Op.jump_below:
        next = scalar.jump_below(r, next);
        break;
      case Op.count:
        scalar.count(r);
        break;
      case Op.copy_at:
        scalar.copy_at(r);
        break;
      case Op.resample:
        if (ASC_FEATURE_SIMD) simd.resample(r);
        else scalar.resample(r);
        break;
      case Op.grid_sample:
        scalar.grid_sample(r);
        break;
      case Op.roi_align:
        scalar.roi_align(r);
        break;
      case Op.pool_indices:
        scalar.pool_indices(r);
        break;
      case Op.roi_pool:
        scalar.roi_pool(r);
        break;
      case Op.qs8_qbw_gemm:
        if (ASC_FEATURE_SIMD) simd.qs8_qbw_gemm(r);
        else scalar.qs8_qbw_gemm(r);
        break;
      case Op.qs8_winograd:
        if (ASC_FEATURE_SIMD) simd.qs8_winograd(r);
        else scalar.qs8_winograd(r);
        break;
      case Op.end:
        return;
      default:
        unreachable();
    }
  }
}
