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
  for (let rows = Field.i32(r, LayerNormField.rows); rows > 0; rows--, a += n << 2, c += n << 2) {
    const mean = Lanes.sum(a, n) / <f32>n;
    for (let i = 0; i < n; i++) store<f32>(c + (i << 2), load<f32>(a + (i << 2)) - mean);
    const factor = <f32>1 / sqrt<f32>(Lanes.sum_of_squares(c, n) / <f32>n + epsilon);
    for (let i = 0; i < n; i++) {
      let y = load<f32>(c + (i << 2)) * factor;
      if (scale) y *= load<f32>(scale + (i << 2));
      if (bias) y += load<f32>(bias + (i << 2));
      store<f32>(c + (i << 2), y);
    }
  }
}

/** Op `f32_rmsnorm`: the root of the mean of the squares, summed in the order of four lanes, divides. */
export function f32_rmsnorm(r: usize): void {
  const n = Field.i32(r, LayerNormField.n);
  const scale = Field.address(r, LayerNormField.scale);
  const epsilon = Field.f32(r, LayerNormField.epsilon);
  let a = Field.address(r, LayerNormField.a);
  let c = Field.address(r, LayerNormField.c);
  for (let rows = Field.i32(r, LayerNormField.rows); rows > 0; rows--, a += n << 2, c += n << 2) {
    const factor = <f32>1 / sqrt<f32>(Lanes.sum_of_squares(a, n) / <f32>n + epsilon);
    for (let i = 0; i < n; i++) {
      const y = load<f32>(a + (i << 2)) * factor;
      store<f32>(c + (i << 2), scale ? y * load<f32>(scale + (i << 2)) : y);
    }
  }
}
