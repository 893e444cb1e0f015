import { Field } from "../lib/record";
import { RareUnary } from "../lib/unary";
import { Unary, UnaryField } from "../shared/plan";
import { Lanes } from "./lanes";
import { F32x4 } from "./math";

/** Op `f32_unary`. `kind` is a constant in each call of `Row.map`, so that every kind gets a loop of its own. */
export function f32_unary(r: usize): void {
  const n = Field.i32(r, UnaryField.n);
  const a = Field.address(r, UnaryField.a);
  const c = Field.address(r, UnaryField.c);
  const alpha = f32x4.splat(Field.f32(r, UnaryField.alpha));
  const beta = f32x4.splat(Field.f32(r, UnaryField.beta));
  switch (Field.i32(r, UnaryField.kind)) {
    case Unary.clamp:
      Row.map(Unary.clamp, n, a, c, alpha, beta);
      break;
    case Unary.abs:
      Row.map(Unary.abs, n, a, c, alpha, beta);
      break;
    case Unary.neg:
      Row.map(Unary.neg, n, a, c, alpha, beta);
      break;
    case Unary.exp:
      Row.map(Unary.exp, n, a, c, alpha, beta);
      break;
    case Unary.log:
      Row.map(Unary.log, n, a, c, alpha, beta);
      break;
    case Unary.sqrt:
      Row.map(Unary.sqrt, n, a, c, alpha, beta);
      break;
    case Unary.reciprocal:
      Row.map(Unary.reciprocal, n, a, c, alpha, beta);
      break;
    case Unary.sigmoid:
      Row.map(Unary.sigmoid, n, a, c, alpha, beta);
      break;
    case Unary.tanh:
      Row.map(Unary.tanh, n, a, c, alpha, beta);
      break;
    case Unary.erf:
      Row.map(Unary.erf, n, a, c, alpha, beta);
      break;
    case Unary.gelu:
      Row.map(Unary.gelu, n, a, c, alpha, beta);
      break;
    case Unary.hard_sigmoid:
      Row.map(Unary.hard_sigmoid, n, a, c, alpha, beta);
      break;
    case Unary.hard_swish:
      Row.map(Unary.hard_swish, n, a, c, alpha, beta);
      break;
    case Unary.leaky_relu:
      Row.map(Unary.leaky_relu, n, a, c, alpha, beta);
      break;
    case Unary.floor:
      Row.map(Unary.floor, n, a, c, alpha, beta);
      break;
    case Unary.ceil:
      Row.map(Unary.ceil, n, a, c, alpha, beta);
      break;
    case Unary.elu:
      Row.map(Unary.elu, n, a, c, alpha, beta);
      break;
    case Unary.softplus:
      Row.map(Unary.softplus, n, a, c, alpha, beta);
      break;
    case Unary.silu:
      Row.map(Unary.silu, n, a, c, alpha, beta);
      break;
    case Unary.round:
      Row.map(Unary.round, n, a, c, alpha, beta);
      break;
    case Unary.gelu_tanh:
      Row.map(Unary.gelu_tanh, n, a, c, alpha, beta);
      break;
    case Unary.mish:
      Row.map(Unary.mish, n, a, c, alpha, beta);
      break;
    case Unary.softsign:
      Row.map(Unary.softsign, n, a, c, alpha, beta);
      break;
    default:
      RareUnary.map(Field.i32(r, UnaryField.kind), n, a, c, Field.f32(r, UnaryField.alpha), Field.f32(r, UnaryField.beta));
  }
}

class Row {
  @inline static map(kind: i32, n: i32, a: usize, c: usize, alpha: v128, beta: v128): void {
    for (; n >= 4; n -= 4, a += 16, c += 16) v128.store(c, Row.apply(kind, v128.load(a), alpha, beta));
    if (n > 0) Lanes.store_tail(c, Row.apply(kind, Lanes.load_tail(a, n, 0), alpha, beta), n);
  }

  @inline static apply(kind: i32, x: v128, alpha: v128, beta: v128): v128 {
    const zero = f32x4.splat(0);
    const one = f32x4.splat(1);
    if (kind === Unary.clamp) return F32x4.clamp(x, alpha, beta);
    if (kind === Unary.abs) return f32x4.abs(x);
    if (kind === Unary.neg) return f32x4.neg(x);
    if (kind === Unary.exp) return F32x4.exp(x);
    if (kind === Unary.log) return F32x4.log(x);
    if (kind === Unary.sqrt) return f32x4.sqrt(x);
    if (kind === Unary.reciprocal) return f32x4.div(one, x);
    if (kind === Unary.sigmoid) return F32x4.sigmoid(x);
    if (kind === Unary.tanh) return F32x4.tanh(x);
    if (kind === Unary.erf) return F32x4.erf(x);
    if (kind === Unary.gelu) return F32x4.gelu(x);
    if (kind === Unary.hard_sigmoid) return F32x4.clamp(f32x4.add(f32x4.mul(x, alpha), beta), zero, one);
    if (kind === Unary.hard_swish) return f32x4.mul(x, F32x4.clamp(F32x4.step(x, f32x4.splat(0.16666667), 0.5), zero, one));
    if (kind === Unary.leaky_relu) return v128.bitselect(f32x4.mul(x, alpha), x, f32x4.lt(x, zero));
    if (kind === Unary.floor) return f32x4.floor(x);
    if (kind === Unary.ceil) return f32x4.ceil(x);
    if (kind === Unary.elu) return v128.bitselect(f32x4.mul(alpha, f32x4.sub(F32x4.exp(x), one)), x, f32x4.lt(x, zero));
    if (kind === Unary.softplus) return F32x4.softplus(x);
    if (kind === Unary.silu) return f32x4.mul(x, F32x4.sigmoid(f32x4.mul(alpha, x)));
    if (kind === Unary.round) return f32x4.nearest(x);
    if (kind === Unary.gelu_tanh) return F32x4.gelu_tanh(x);
    if (kind === Unary.mish) return F32x4.mish(x);
    if (kind === Unary.softsign) return f32x4.div(x, f32x4.add(one, f32x4.abs(x)));
    return x;
  }
}
