import { Field } from "../lib/record";
import { ResampleField } from "../shared/sampling";

/** Op `resample`: taps in order, from +0. */
export function resample(r: usize): void {
  const n = Field.i32(r, ResampleField.n);
  const inner = Field.i32(r, ResampleField.inner);
  const count = Field.i32(r, ResampleField.count);
  const taps = Field.i32(r, ResampleField.taps);
  const outside = Field.f32(r, ResampleField.outside);
  let a = Field.address(r, ResampleField.a);
  let c = Field.address(r, ResampleField.c);
  for (let o = Field.i32(r, ResampleField.outer); o > 0; o--, a += (n * inner) << 2) {
    for (let j = 0; j < count; j++) {
      const index = Field.address(r, ResampleField.index) + ((j * taps) << 2);
      const weight = Field.address(r, ResampleField.weight) + ((j * taps) << 2);
      for (let i = 0; i < inner; i++, c += 4) {
        let y: f32 = 0;
        for (let t = 0; t < taps; t++) {
          const at = load<i32>(index + (t << 2));
          const x: f32 = at < 0 ? outside : load<f32>(a + ((at * inner + i) << 2));
          y += load<f32>(weight + (t << 2)) * x;
        }
        store<f32>(c, y);
      }
    }
  }
}
