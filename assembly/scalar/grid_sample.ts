import { Field } from "../lib/record";
import { GridSampleField, Outside, Sampling } from "../shared/sampling";

const CUBIC: f32 = -0.75;

/** For each of three axes, the elements that are read around a point and their weights: four of each at most. */
const TAPS: usize = memory.data(48);
const WEIGHTS: usize = memory.data(48);

/** Op `grid_sample`: sums run over taps in row-major order, from +0. */
export function grid_sample(r: usize): void {
  const batch = Field.i32(r, GridSampleField.batch);
  const channels = Field.i32(r, GridSampleField.channels);
  const axes = Field.i32(r, GridSampleField.axes);
  const points = Field.i32(r, GridSampleField.points);
  const image = Field.i32(r, GridSampleField.in_d) * Field.i32(r, GridSampleField.in_h) * Field.i32(r, GridSampleField.in_w) * channels;
  let grid = Field.address(r, GridSampleField.grid);
  for (let b = 0; b < batch; b++) {
    for (let p = 0; p < points; p++, grid += axes << 2) {
      for (let axis = 0; axis < 3; axis++) place(r, axis, axis < axes ? load<f32>(grid + (axis << 2)) : 0, axis < axes);
      const from = Field.address(r, GridSampleField.a) + ((b * image) << 2);
      const to = Field.address(r, GridSampleField.c) + ((b * channels * points + p * Field.i32(r, GridSampleField.c_pixel)) << 2);
      for (let c = 0; c < channels; c++) {
        const y = sample(r, from + ((c * Field.i32(r, GridSampleField.a_channel)) << 2));
        store<f32>(to + ((c * Field.i32(r, GridSampleField.c_channel)) << 2), y);
      }
    }
  }
}

function taps_of(mode: i32): i32 {
  return mode === Sampling.nearest ? 1 : mode === Sampling.linear ? 2 : 4;
}

/** Fills the taps and weights of one axis, axis 0 innermost; −1 stands for an element that counts as zero. */
function place(r: usize, axis: i32, x: f32, given: bool): void {
  const mode = Field.i32(r, GridSampleField.mode);
  const outside = Field.i32(r, GridSampleField.outside);
  const size = Field.i32(r, GridSampleField.in_w - axis);
  const align = Field.i32(r, GridSampleField.align_corners);
  const low: f32 = align ? 0 : -0.5;
  const high: f32 = align ? <f32>(size - 1) : <f32>size - 0.5;
  let at: f32 = 0;
  if (given) {
    at = align ? ((x + 1) / 2) * <f32>(size - 1) : ((x + 1) * <f32>size - 1) / 2;
    if (mode === Sampling.nearest) at = nearest<f32>(at);
    if (outside === Outside.border && (at < low || at > high)) at = min<f32>(max<f32>(at, 0), <f32>(size - 1));
    if (outside === Outside.reflection) at = reflect(at, low, high);
    // A point far away reads what lies outside, and its index still fits 32 bits.
    at = min<f32>(max<f32>(at, -1e8), 1e8);
  }
  const count = taps_of(mode);
  const first = <i32>floor<f32>(at) - (count >> 1) + (count > 1 ? 1 : 0);
  for (let t = 0; t < count; t++) {
    let index = mode === Sampling.nearest ? <i32>nearest<f32>(at) : first + t;
    const distance = abs<f32>(<f32>index - at);
    if (outside === Outside.border) index = min(max(index, 0), size - 1);
    if (outside === Outside.reflection) index = <i32>reflect(<f32>index, low, high);
    const slot = ((axis << 2) + t) << 2;
    store<i32>(TAPS + slot, index < 0 || index >= size ? -1 : index);
    store<f32>(WEIGHTS + slot, mode === Sampling.nearest ? 1 : mode === Sampling.linear ? 1 - distance : cubic(distance));
  }
}

/** Folds x back into low..high. */
function reflect(x: f32, low: f32, high: f32): f32 {
  const range = high - low;
  if (!(range > 0)) return low;
  const beyond = x < low ? low - x : x > high ? x - high : <f32>-1;
  if (!(beyond >= 0)) return x;
  const turns = floor<f32>(beyond / range);
  const rest = beyond - turns * range;
  const even = turns - 2 * floor<f32>(turns / 2) === 0;
  return x < low === even ? low + rest : high - rest;
}

function cubic(x: f32): f32 {
  if (x <= 1) return ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
  return x < 2 ? ((CUBIC * x - 5 * CUBIC) * x + 8 * CUBIC) * x - 4 * CUBIC : 0;
}

function sample(r: usize, a: usize): f32 {
  const count = taps_of(Field.i32(r, GridSampleField.mode));
  const in_h = Field.i32(r, GridSampleField.in_h);
  const in_w = Field.i32(r, GridSampleField.in_w);
  const pixel = Field.i32(r, GridSampleField.a_pixel);
  let sum: f32 = 0;
  for (let k = 0; k < count; k++) {
    const z = load<i32>(TAPS + 32 + (k << 2));
    const depth = load<f32>(WEIGHTS + 32 + (k << 2));
    if (z < 0 || depth === 0) continue;
    for (let i = 0; i < count; i++) {
      const y = load<i32>(TAPS + 16 + (i << 2));
      if (y < 0) continue;
      let row: f32 = 0;
      for (let j = 0; j < count; j++) {
        const x = load<i32>(TAPS + (j << 2));
        if (x < 0) continue;
        row += load<f32>(WEIGHTS + (j << 2)) * load<f32>(a + ((((z * in_h + y) * in_w + x) * pixel) << 2));
      }
      sum += depth * load<f32>(WEIGHTS + 16 + (i << 2)) * row;
    }
  }
  return sum;
}
