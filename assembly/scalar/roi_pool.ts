import { Field } from "../lib/record";
import { RoiPoolField } from "../shared/sampling";

/** Op `roi_pool`: image numbers outside the batch are moved into it; a cell without elements holds 0. */
export function roi_pool(r: usize): void {
  const batch = Field.i32(r, RoiPoolField.batch);
  const channels = Field.i32(r, RoiPoolField.channels);
  const in_h = Field.i32(r, RoiPoolField.in_h);
  const in_w = Field.i32(r, RoiPoolField.in_w);
  const out_h = Field.i32(r, RoiPoolField.out_h);
  const out_w = Field.i32(r, RoiPoolField.out_w);
  const scale = Field.f32(r, RoiPoolField.scale);
  const a = Field.address(r, RoiPoolField.a);
  let c = Field.address(r, RoiPoolField.c);
  let roi = Field.address(r, RoiPoolField.rois);
  for (let k = 0; k < Field.i32(r, RoiPoolField.count); k++, roi += 20) {
    const image = <i32>min<f32>(max<f32>(load<f32>(roi), 0), <f32>(batch - 1));
    const left = round_away(load<f32>(roi, 4) * scale);
    const top = round_away(load<f32>(roi, 8) * scale);
    const bin_w = bin(left, round_away(load<f32>(roi, 12) * scale), out_w);
    const bin_h = bin(top, round_away(load<f32>(roi, 16) * scale), out_h);
    for (let channel = 0; channel < channels; channel++) {
      const plane = a + (((image * channels + channel) * in_h * in_w) << 2);
      for (let i = 0; i < out_h; i++) {
        const y = edge(floor<f32>(<f32>i * bin_h) + top, in_h);
        const y_end = edge(ceil<f32>(<f32>(i + 1) * bin_h) + top, in_h);
        for (let j = 0; j < out_w; j++, c += 4) {
          const x = edge(floor<f32>(<f32>j * bin_w) + left, in_w);
          const x_end = edge(ceil<f32>(<f32>(j + 1) * bin_w) + left, in_w);
          store<f32>(c, y_end > y && x_end > x ? largest(plane, in_w, y, y_end, x, x_end) : 0);
        }
      }
    }
  }
}

/** Half away from zero. */
function round_away(v: f32): f32 {
  return copysign<f32>(floor<f32>(abs<f32>(v) + 0.5), v);
}

function bin(first: f32, last: f32, cells: i32): f32 {
  return max<f32>(last - first + 1, 1) / <f32>cells;
}

/** An element's number within an axis of `size`. */
function edge(v: f32, size: i32): i32 {
  return <i32>min<f32>(max<f32>(v, 0), <f32>size);
}

function largest(plane: usize, in_w: i32, y: i32, y_end: i32, x: i32, x_end: i32): f32 {
  let most: f32 = -Infinity;
  for (let row = y; row < y_end; row++) {
    for (let column = x; column < x_end; column++) most = max<f32>(most, load<f32>(plane + ((row * in_w + column) << 2)));
  }
  return most;
}
