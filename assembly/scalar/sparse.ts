/** Layers with sparse weights as plain loops: the definition that the SIMD kernels are held to, bit for bit (`shared/sparse`). */
import { Field } from "../lib/record";
import { F32_NR, QS8_NR } from "../shared/layout";
import { ConvField } from "../shared/plan";
import { SparseField } from "../shared/sparse";
import { F32 } from "./math";
import { qs8_finish, qs8_input_zero } from "./qs8_epilogue";

/** The windows of one record: where step k of the window of an output pixel and a group reads. */
class Windows {
  static pixels(r: usize): i32 {
    return Field.i32(r, ConvField.batch) * Field.i32(r, ConvField.out_h) * Field.i32(r, ConvField.out_w);
  }

  /** The number of that input element, or -1 in the padding, and beyond k. */
  static element(r: usize, pixel: i32, group: i32, k: i32): i32 {
    const in_h = Field.i32(r, ConvField.in_h);
    const in_w = Field.i32(r, ConvField.in_w);
    const in_c = Field.i32(r, ConvField.in_c);
    const out_w = Field.i32(r, ConvField.out_w);
    const out_h = Field.i32(r, ConvField.out_h);
    const kernel_w = Field.i32(r, ConvField.kernel_w);
    const depth = in_c / Field.i32(r, ConvField.groups);
    const tap = k / depth;
    if (tap >= Field.i32(r, ConvField.kernel_h) * kernel_w) return -1;
    const line = pixel / out_w;
    const y = (line % out_h) * Field.i32(r, ConvField.stride_h) - Field.i32(r, ConvField.pad_top);
    const x = (pixel % out_w) * Field.i32(r, ConvField.stride_w) - Field.i32(r, ConvField.pad_left);
    const iy = y + (tap / kernel_w) * Field.i32(r, ConvField.dilation_h);
    const ix = x + (tap % kernel_w) * Field.i32(r, ConvField.dilation_w);
    if (iy < 0 || iy >= in_h || ix < 0 || ix >= in_w) return -1;
    return (((line / out_h) * in_h + iy) * in_w + ix) * in_c + group * depth + (k % depth);
  }
}

/** Which units an output has: `first` to `first + count` of its run, the value of a step at `lane` in a unit of `stride` elements. */
let first: usize = 0;
let count: i32 = 0;

/** Finds the run of output `o` of a group among runs of `lanes` outputs. */
function find_run(r: usize, group: i32, o: i32, lanes: i32): void {
  const group_out = Field.i32(r, ConvField.out_c) / Field.i32(r, ConvField.groups);
  const run = group * ((group_out + lanes - 1) / lanes) + o / lanes;
  const counts = Field.address(r, SparseField.count);
  first = 0;
  for (let i = 0; i < run; i++) first += load<i32>(counts + (i << 2));
  count = load<i32>(counts + (run << 2));
}

export function qs8_sparse_bsr(r: usize): void {
  qs8_sparse(r, QS8_NR, 2);
}

export function qs8_sparse_csr(r: usize): void {
  qs8_sparse(r, 1, 1);
}

export function f32_sparse_bsr(r: usize): void {
  f32_sparse(r, F32_NR);
}

export function f32_sparse_csr(r: usize): void {
  f32_sparse(r, 1);
}

function qs8_sparse(r: usize, lanes: i32, steps: i32): void {
  const out_c = Field.i32(r, ConvField.out_c);
  const groups = Field.i32(r, ConvField.groups);
  const group_out = out_c / groups;
  const padded = ((group_out + QS8_NR - 1) / QS8_NR) * QS8_NR;
  const a = Field.address(r, ConvField.a);
  const w = Field.address(r, ConvField.w);
  const index = Field.address(r, SparseField.index);
  const bias = Field.address(r, ConvField.bias);
  const scale = Field.address(r, ConvField.scale);
  const c = Field.address(r, ConvField.c);
  const size = Field.i32(r, ConvField.c_size);
  const e = r + (ConvField.lo << 2);
  const zero = qs8_input_zero(e);
  for (let group = 0; group < groups; group++)
    for (let o = 0; o < group_out; o++) {
      find_run(r, group, o, lanes);
      for (let pixel = 0; pixel < Windows.pixels(r); pixel++) {
        let acc = 0;
        let k = 0;
        for (let unit: usize = first; unit < first + count; unit++) {
          k += <i32>load<u8>(index + unit);
          for (let i = 0; i < steps; i++) {
            const from = Windows.element(r, pixel, group, k * steps + i);
            if (from < 0) continue;
            acc += (load<i8>(a + from) - zero) * load<i8>(w + (unit * lanes + (o % lanes)) * steps + i);
          }
        }
        qs8_finish(acc, group * padded + o, bias, scale, c + (pixel * out_c + group * group_out + o) * size, e);
      }
    }
}

function f32_sparse(r: usize, lanes: i32): void {
  const out_c = Field.i32(r, ConvField.out_c);
  const groups = Field.i32(r, ConvField.groups);
  const group_out = out_c / groups;
  const a = Field.address(r, ConvField.a);
  const w = Field.address(r, ConvField.w);
  const index = Field.address(r, SparseField.index);
  const bias = Field.address(r, ConvField.bias);
  const lo = Field.f32(r, ConvField.lo);
  const hi = Field.f32(r, ConvField.hi);
  for (let group = 0; group < groups; group++)
    for (let o = 0; o < group_out; o++) {
      const channel = group * group_out + o;
      const shift: f32 = bias ? load<f32>(bias + (channel << 2)) : 0;
      find_run(r, group, o, lanes);
      for (let pixel = 0; pixel < Windows.pixels(r); pixel++) {
        let sum: f32 = 0;
        let k = 0;
        for (let unit: usize = first; unit < first + count; unit++) {
          k += <i32>load<u8>(index + unit);
          const from = Windows.element(r, pixel, group, k);
          if (from >= 0) sum += load<f32>(a + (from << 2)) * load<f32>(w + ((unit * lanes + (o % lanes)) << 2));
        }
        store<f32>(Field.address(r, ConvField.c) + ((pixel * out_c + channel) << 2), F32.clamp(sum + shift, lo, hi));
      }
    }
}
