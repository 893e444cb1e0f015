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

function row(n: i32, a: usize, scale: usize, bias: usize, c: usize, epsilon: f32): void {
  const size = <f32>n;
  let sum = f32x4.splat(0);
  for (let i = 0; i < n; i += 4) sum = f32x4.add(sum, Lanes.load(a + (i << 2), n - i));
  const mean = Lanes.sum(sum) / size;
  const centre = f32x4.splat(mean);
  let squares = f32x4.splat(0);
  for (let i = 0; i < n; i += 4) {
    const d = f32x4.sub(Lanes.load(a + (i << 2), n - i, mean), centre);
    squares = f32x4.add(squares, f32x4.mul(d, d));
  }
  const factor = f32x4.splat(<f32>1 / sqrt<f32>(Lanes.sum(squares) / size + epsilon));
  for (let i = 0; i < n; i += 4) {
    const at = i << 2;
    let y = f32x4.mul(f32x4.sub(Lanes.load(a + at, n - i), centre), factor);
    if (scale) y = f32x4.mul(y, Lanes.load(scale + at, n - i));
    if (bias) y = f32x4.add(y, Lanes.load(bias + at, n - i));
    Lanes.store(c + at, y, n - i);
  }
}
