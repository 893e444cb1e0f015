/**
 * Sums along a row in the order of four lanes: lane l takes elements l, l + 4, l + 8 … from +0, and the row's sum is (l₀ + l₂) + (l₁ + l₃).
 * SIMD kernels add in this order by nature; here it is the definition.
 */
export class Lanes {
  static sum(a: usize, n: i32): f32 {
    return Lanes.lane_sum(a, n, 0) + Lanes.lane_sum(a, n, 2) + (Lanes.lane_sum(a, n, 1) + Lanes.lane_sum(a, n, 3));
  }

  static sum_of_squares(a: usize, n: i32): f32 {
    return Lanes.lane_squares(a, n, 0) + Lanes.lane_squares(a, n, 2) + (Lanes.lane_squares(a, n, 1) + Lanes.lane_squares(a, n, 3));
  }

  static product(a: usize, n: i32): f32 {
    return Lanes.lane_product(a, n, 0) * Lanes.lane_product(a, n, 2) * (Lanes.lane_product(a, n, 1) * Lanes.lane_product(a, n, 3));
  }

  private static lane_sum(a: usize, n: i32, lane: i32): f32 {
    let y: f32 = 0;
    for (let i = lane; i < n; i += 4) y += load<f32>(a + (i << 2));
    return y;
  }

  private static lane_squares(a: usize, n: i32, lane: i32): f32 {
    let y: f32 = 0;
    for (let i = lane; i < n; i += 4) y += load<f32>(a + (i << 2)) * load<f32>(a + (i << 2));
    return y;
  }

  private static lane_product(a: usize, n: i32, lane: i32): f32 {
    let y: f32 = 1;
    for (let i = lane; i < n; i += 4) y *= load<f32>(a + (i << 2));
    return y;
  }
}
