import * as simd from "./kernels/index";
import * as scalar from "./scalar/index";
import { ABI_VERSION, Header, Op } from "./shared/plan";

/** Version of the plans and packed layouts that this module reads. */
export function abi(): i32 {
  return ABI_VERSION;
}

/** Runs the plan at this address, record by record. */
export function run(plan: usize): void {
  for (let r = plan; ; r += (<usize>load<u32>(r + (Header.words << 2))) << 2) {
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
      default:
        return;
    }
  }
}
