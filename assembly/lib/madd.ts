/** Sums of products of f32 lanes. */
export class Madd {
  /** a·b + c: rounded twice, but in the relaxed build once where the machine can (docs/decisions/0009-relaxed-floats-are-asked-for.md). */
  @inline static f32x4(a: v128, b: v128, c: v128): v128 {
    return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(c, f32x4.mul(a, b));
  }
}
