import { Unary } from "../shared/plan";

/** Kinds of `f32_unary` that are too rare for lanes: both builds compute them one element at a time. */
export class RareUnary {
  static map(kind: i32, n: i32, a: usize, c: usize, alpha: f32, beta: f32): void {
    for (let i = 0; i < n; i++) store<f32>(c + (i << 2), RareUnary.apply(kind, load<f32>(a + (i << 2)), alpha, beta));
  }

  static apply(kind: i32, x: f32, alpha: f32, beta: f32): f32 {
    switch (kind) {
      case Unary.sign:
        return x > 0 ? 1 : x < 0 ? -1 : x;
      case Unary.selu:
        return beta * (x > 0 ? x : alpha * NativeMathf.expm1(x));
      case Unary.celu:
        return x > 0 ? x : alpha * NativeMathf.expm1(x / alpha);
      case Unary.thresholded_relu:
        return x > alpha ? x : 0;
      case Unary.shrink:
        return x < -beta ? x + alpha : x > beta ? x - alpha : 0;
      case Unary.sin:
        return NativeMathf.sin(x);
      case Unary.cos:
        return NativeMathf.cos(x);
      case Unary.tan:
        return NativeMathf.tan(x);
      case Unary.asin:
        return NativeMathf.asin(x);
      case Unary.acos:
        return NativeMathf.acos(x);
      case Unary.atan:
        return NativeMathf.atan(x);
      case Unary.sinh:
        return NativeMathf.sinh(x);
      case Unary.cosh:
        return NativeMathf.cosh(x);
      case Unary.asinh:
        return NativeMathf.asinh(x);
      case Unary.acosh:
        return NativeMathf.acosh(x);
      case Unary.atanh:
        return NativeMathf.atanh(x);
      default:
        return x;
    }
  }
}
