import { Field } from "../lib/record";
import { RareUnary } from "../lib/unary";
import { Unary, UnaryField } from "../shared/plan";
import { F32 } from "./math";

/** Op `f32_unary`. */
export function f32_unary(r: usize): void {
  const kind = Field.i32(r, UnaryField.kind);
  const n = Field.i32(r, UnaryField.n);
  const a = Field.address(r, UnaryField.a);
  const c = Field.address(r, UnaryField.c);
  const alpha = Field.f32(r, UnaryField.alpha);
  const beta = Field.f32(r, UnaryField.beta);
  for (let i = 0; i < n; i++) store<f32>(c + (i << 2), apply(kind, load<f32>(a + (i << 2)), alpha, beta));
}

function apply(kind: i32, x: f32, alpha: f32, beta: f32): f32 {
  switch (kind) {
    case Unary.clamp:
      return F32.clamp(x, alpha, beta);
    case Unary.abs:
      return abs<f32>(x);
    case Unary.neg:
      return -x;
    case Unary.exp:
      return F32.exp(x);
    case Unary.log:
      return NativeMathf.log(x);
    case Unary.sqrt:
      return sqrt<f32>(x);
    case Unary.reciprocal:
      return <f32>1 / x;
    case Unary.sigmoid:
      return F32.sigmoid(x);
    case Unary.tanh:
      return F32.tanh(x);
    case Unary.erf:
      return F32.erf(x);
    case Unary.gelu:
      return F32.gelu(x);
    case Unary.hard_sigmoid:
      return F32.clamp(x * alpha + beta, 0, 1);
    case Unary.hard_swish:
      return x * F32.clamp(x * <f32>0.16666667 + <f32>0.5, 0, 1);
    case Unary.leaky_relu:
      return x < 0 ? x * alpha : x;
    case Unary.floor:
      return floor<f32>(x);
    case Unary.ceil:
      return ceil<f32>(x);
    case Unary.elu:
      return x < 0 ? alpha * (F32.exp(x) - <f32>1) : x;
    case Unary.softplus:
      return F32.softplus(x);
    case Unary.silu:
      return x * F32.sigmoid(alpha * x);
    case Unary.round:
      return nearest<f32>(x);
    case Unary.gelu_tanh:
      return F32.gelu_tanh(x);
    case Unary.mish:
      return F32.mish(x);
    case Unary.softsign:
      return x / (<f32>1 + abs<f32>(x));
    default:
      return RareUnary.apply(kind, x, alpha, beta);
  }
}
