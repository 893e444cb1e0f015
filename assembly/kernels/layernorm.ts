import { Field } from "../lib/record";
import { LayerNormField } from "../shared/plan";
import { Lanes } from "./lanes";

/** Op `f32_layernorm`: mean, then the squares of the differences from it; both sums in the order of four lanes. */
export function f32_layernorm(r: usize): void {
  const n = Field.i32(r, LayerNormField.n);
  const scale = Field.address(r, LayerNormField.scale);
  const bias = Field.address(r, LayerNormField.bias);
  const epsilon = Field.f32(r, LayerNormField.epsilon);
  let a = Field.address(r, LayerNormField.a);
  let c = Field.address(r, LayerNormField.c);
  for (let rows = Field.i32(r, LayerNormField.rows); rows > 0; rows--, a += n << 2, c += n << 2) row(n, a, scale, bias, c, epsilon);
}

/** Op `f32_rmsnorm`: the root of the mean of the squares, summed in the order of four lanes, divides. */
export function f32_rmsnorm(r: usize): void {
  const n = Field.i32(r, LayerNormField.n);
  const scale = Field.address(r, LayerNormField.scale);
  const epsilon = Field.f32(r, LayerNormField.epsilon);
  let a = Field.address(r, LayerNormField.a);
  let c = Field.address(r, LayerNormField.c);
  for (let rows = Field.i32(r, LayerNormField.rows); rows > 0; rows--, a += n << 2, c += n << 2)
    standardize(n, a, f32x4.splat(0), scale, 0, c, epsilon);
}

function row(n: i32, a: usize, scale: usize, bias: usize, c: usize, epsilon: f32): void {
  const whole = n & ~3;
  const rest = n & 3;
  let sum = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) sum = f32x4.add(sum, v128.load(a + (i << 2)));
  if (rest) sum = f32x4.add(sum, Lanes.load_tail(a + (whole << 2), rest, 0));
  standardize(n, a, f32x4.splat(Lanes.sum(sum) / <f32>n), scale, bias, c, epsilon);
}

/** Divides what lies around `centre` by the root of its mean square. */
function standardize(n: i32, a: usize, centre: v128, scale: usize, bias: usize, c: usize, epsilon: f32): void {
  const whole = n & ~3;
  const rest = n & 3;
  let squares = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) squares = Row.square(squares, v128.load(a + (i << 2)), centre);
  if (rest) squares = Row.square(squares, Lanes.load_tail(a + (whole << 2), rest, f32x4.extract_lane(centre, 0)), centre);
  const factor = f32x4.splat(<f32>1 / sqrt<f32>(Lanes.sum(squares) / <f32>n + epsilon));
  for (let i = 0; i < whole; i += 4) Row.step(4, i << 2, a, centre, factor, scale, bias, c);
  if (rest) Row.step(rest, whole << 2, a, centre, factor, scale, bias, c);
}

class Row {
  @inline static square(sum: v128, x: v128, centre: v128): v128 {
    const d = f32x4.sub(x, centre);
    return f32x4.add(sum, f32x4.mul(d, d));
  }

  @inline static step(n: i32, at: i32, a: usize, centre: v128, factor: v128, scale: usize, bias: usize, c: usize): void {
    let y = f32x4.mul(f32x4.sub(Lanes.load(a + at, n), centre), factor);
    if (scale) y = f32x4.mul(y, Lanes.load(scale + at, n));
    if (bias) y = f32x4.add(y, Lanes.load(bias + at, n));
    Lanes.store(c + at, y, n);
  }
}
