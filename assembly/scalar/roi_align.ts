import { Field } from "../lib/record";
import { RoiAlignField } from "../shared/sampling";

/** Samples along one axis of a cell, at most: regions far larger than the image end, too. */
const MAX_SAMPLES = 4096;

/** Op `roi_align`: sums run over sample row and column, from +0. Image numbers outside the batch are moved into it. */
export function roi_align(r: usize): void {
  const batch = Field.i32(r, RoiAlignField.batch);
  const channels = Field.i32(r, RoiAlignField.channels);
  const image = Field.i32(r, RoiAlignField.in_h) * Field.i32(r, RoiAlignField.in_w) * channels;
  const out_h = Field.i32(r, RoiAlignField.out_h);
  const out_w = Field.i32(r, RoiAlignField.out_w);
  const count = Field.i32(r, RoiAlignField.count);
  const scale = Field.f32(r, RoiAlignField.scale);
  const offset = Field.f32(r, RoiAlignField.offset);
  for (let k = 0; k < count; k++) {
    const roi = Field.address(r, RoiAlignField.rois) + (k << 4);
    const b = min(max(load<i32>(Field.address(r, RoiAlignField.batch_indices) + (k << 2)), 0), batch - 1);
    const x = load<f32>(roi) * scale - offset;
    const y = load<f32>(roi, 4) * scale - offset;
    let w = load<f32>(roi, 8) * scale - offset - x;
    let h = load<f32>(roi, 12) * scale - offset - y;
    if (offset === 0) {
      w = max<f32>(w, 1);
      h = max<f32>(h, 1);
    }
    const a = Field.address(r, RoiAlignField.a) + ((b * image) << 2);
    const c = Field.address(r, RoiAlignField.c) + ((k * channels * out_h * out_w) << 2);
    for (let i = 0; i < out_h; i++) {
      for (let j = 0; j < out_w; j++) {
        const to = c + (((i * out_w + j) * Field.i32(r, RoiAlignField.c_pixel)) << 2);
        cell(r, a, to, y + (<f32>i * h) / <f32>out_h, x + (<f32>j * w) / <f32>out_w, h / <f32>out_h, w / <f32>out_w);
      }
    }
  }
}

function samples(r: usize, size: f32): i32 {
  const ratio = Field.i32(r, RoiAlignField.ratio);
  return min(ratio > 0 ? ratio : <i32>max<f32>(min<f32>(ceil<f32>(size), <f32>MAX_SAMPLES), 0), MAX_SAMPLES);
}

/** All channels of the cell whose corner is at (y, x). */
function cell(r: usize, a: usize, c: usize, y: f32, x: f32, h: f32, w: f32): void {
  const channels = Field.i32(r, RoiAlignField.channels);
  const largest = Field.i32(r, RoiAlignField.largest);
  const rows = samples(r, h);
  const columns = samples(r, w);
  for (let channel = 0; channel < channels; channel++) {
    const from = a + ((channel * Field.i32(r, RoiAlignField.a_channel)) << 2);
    let sum: f32 = largest && rows * columns > 0 ? -Infinity : 0;
    for (let i = 0; i < rows; i++) {
      const at_y = y + ((<f32>i + 0.5) * h) / <f32>rows;
      for (let j = 0; j < columns; j++) {
        const at_x = x + ((<f32>j + 0.5) * w) / <f32>columns;
        sum = largest ? max<f32>(sum, corners(r, from, at_y, at_x, true)) : sum + corners(r, from, at_y, at_x, false);
      }
    }
    store<f32>(c + ((channel * Field.i32(r, RoiAlignField.c_channel)) << 2), largest ? sum : sum / <f32>max(rows * columns, 1));
  }
}

/** Weighted values of the four elements around a point: their sum, or the largest. A point more than one element outside gives 0. */
function corners(r: usize, a: usize, y: f32, x: f32, largest: bool): f32 {
  const in_h = Field.i32(r, RoiAlignField.in_h);
  const in_w = Field.i32(r, RoiAlignField.in_w);
  const pixel = Field.i32(r, RoiAlignField.a_pixel);
  if (!(y >= -1 && y <= <f32>in_h && x >= -1 && x <= <f32>in_w)) return 0;
  y = max<f32>(y, 0);
  x = max<f32>(x, 0);
  const top = min(<i32>y, in_h - 1);
  const left = min(<i32>x, in_w - 1);
  const bottom = min(top + 1, in_h - 1);
  const right = min(left + 1, in_w - 1);
  const down: f32 = top === in_h - 1 ? 0 : y - <f32>top;
  const along: f32 = left === in_w - 1 ? 0 : x - <f32>left;
  const up: f32 = 1 - down;
  const back: f32 = 1 - along;
  const p = up * back * load<f32>(a + (((top * in_w + left) * pixel) << 2));
  const q = up * along * load<f32>(a + (((top * in_w + right) * pixel) << 2));
  const s = down * back * load<f32>(a + (((bottom * in_w + left) * pixel) << 2));
  const t = down * along * load<f32>(a + (((bottom * in_w + right) * pixel) << 2));
  return largest ? max<f32>(max<f32>(p, q), max<f32>(s, t)) : p + q + s + t;
}
