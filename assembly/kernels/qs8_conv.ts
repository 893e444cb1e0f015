import { Field } from "../lib/record";
import { PANEL_ROWS } from "../shared/layout";
import { ConvField } from "../shared/plan";
import { Epilogue } from "./qs8_epilogue";
import { qs8_widen_even } from "./qs8_gemm";
import { qs8_im2col } from "./qs8_im2col";
import { qs8_panels } from "./qs8_panel";
import { Rows } from "./qs8_rows";

/**
 * Op `qs8_conv`: a matrix product of im2col rows, PANEL_ROWS output pixels of one group at a time.
 * Scratch (`qs8ConvScratch`): the im2col rows, then a ring of kernel_h input rows of the group.
 */
export function qs8_conv(r: usize): void {
  const in_c = Field.i32(r, ConvField.in_c);
  const out_c = Field.i32(r, ConvField.out_c);
  const out_h = Field.i32(r, ConvField.out_h);
  const out_w = Field.i32(r, ConvField.out_w);
  const groups = Field.i32(r, ConvField.groups);
  const kernel_h = Field.i32(r, ConvField.kernel_h);
  const kernel_w = Field.i32(r, ConvField.kernel_w);
  const stride_h = Field.i32(r, ConvField.stride_h);
  const stride_w = Field.i32(r, ConvField.stride_w);
  const in_w = Field.i32(r, ConvField.in_w);
  const depth = in_c / groups;
  const n = out_c / groups;
  const k = kernel_h * kernel_w * depth;
  const pairs = (k + 1) >> 1;
  const padded_out = (n + 15) & ~15;
  const size = Field.i32(r, ConvField.c_size);
  const e = r + (ConvField.lo << 2);
  const zero = Epilogue.zero(e);
  const image = Field.i32(r, ConvField.in_h) * in_w * in_c;
  const pixels = Field.i32(r, ConvField.batch) * out_h * out_w;
  const pointwise = is_pointwise(r);
  const scratch = Field.address(r, ConvField.scratch);
  const rows = scratch + ((min(pixels, PANEL_ROWS) * pairs) << 2);
  const row_bytes = ((out_w - 1) * stride_w + (kernel_w - 1) * Field.i32(r, ConvField.dilation_w) + 1) * (depth << 1);
  let w = Field.address(r, ConvField.w);
  let bias = Field.address(r, ConvField.bias);
  let scale = Field.address(r, ConvField.scale);
  for (let group = 0; group < groups; group++) {
    let a = Field.address(r, ConvField.a) + group * depth;
    let c = Field.address(r, ConvField.c) + group * n * size;
    if (!pointwise) Rows.clear(rows, kernel_h, row_bytes);
    let y = 0;
    let x = 0;
    for (let left = pixels; left > 0; left -= PANEL_ROWS) {
      const block = min(left, PANEL_ROWS);
      let to = scratch;
      for (let wanted = block; wanted > 0; ) {
        const run = min(wanted, out_w - x);
        if (pointwise) qs8_widen_even(to, a + (y * stride_h * in_w + x * stride_w) * in_c, run, k, stride_w * in_c, zero);
        else qs8_im2col(r, to, rows, row_bytes, a, y, x, run, depth);
        to += (run * pairs) << 2;
        wanted -= run;
        x += run;
        if (x < out_w) continue;
        x = 0;
        if (++y < out_h) continue;
        y = 0;
        a += image;
        if (!pointwise) Rows.forget(rows, kernel_h, row_bytes);
      }
      qs8_panels(block, pairs, n, scratch, w, bias, scale, c, out_c * size, size, e);
      c += block * out_c * size;
    }
    w += padded_out * pairs * 2;
    scale += padded_out << 2;
    if (bias) bias += padded_out << 2;
  }
}

/** Whether a window is one pixel, which always lies inside the input. */
function is_pointwise(r: usize): bool {
  return (
    Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w) === 1 &&
    !(Field.i32(r, ConvField.pad_top) | Field.i32(r, ConvField.pad_left)) &&
    (Field.i32(r, ConvField.out_h) - 1) * Field.i32(r, ConvField.stride_h) < Field.i32(r, ConvField.in_h) &&
    (Field.i32(r, ConvField.out_w) - 1) * Field.i32(r, ConvField.stride_w) < Field.i32(r, ConvField.in_w)
  );
}
