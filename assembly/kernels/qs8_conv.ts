import { Field } from "../lib/record";
import { PANEL_ROWS } from "../shared/layout";
import { ConvField } from "../shared/plan";
import { Epilogue } from "./qs8_epilogue";
import { qs8_widen_even } from "./qs8_gemm";
import { qs8_im2col } from "./qs8_im2col";
import { qs8_panels } from "./qs8_panel";

/** Op `qs8_conv`: a matrix product of im2col rows, PANEL_ROWS output pixels of one group at a time. */
export function qs8_conv(r: usize): void {
  const in_c = Field.i32(r, ConvField.in_c);
  const out_c = Field.i32(r, ConvField.out_c);
  const groups = Field.i32(r, ConvField.groups);
  const group_in = in_c / groups;
  const group_out = out_c / groups;
  const k = Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w) * group_in;
  const pairs = (k + 1) >> 1;
  const padded_out = (group_out + 15) & ~15;
  const size = Field.i32(r, ConvField.c_size);
  const scratch = Field.address(r, ConvField.scratch);
  const e = r + (ConvField.lo << 2);
  const pixels = Field.i32(r, ConvField.batch) * Field.i32(r, ConvField.out_h) * Field.i32(r, ConvField.out_w);
  const pointwise = is_pointwise(r);
  for (let first = 0; first < pixels; first += PANEL_ROWS) {
    const rows = min(pixels - first, PANEL_ROWS);
    let a = Field.address(r, ConvField.a);
    let w = Field.address(r, ConvField.w);
    let bias = Field.address(r, ConvField.bias);
    let scale = Field.address(r, ConvField.scale);
    let c = Field.address(r, ConvField.c) + first * out_c * size;
    for (let group = 0; group < groups; group++, a += group_in) {
      if (pointwise) qs8_widen_even(scratch, a + first * in_c, rows, k, in_c, Epilogue.zero(e));
      else qs8_im2col(r, scratch, a, first, rows);
      qs8_panels(rows, pairs, group_out, scratch, w, bias, scale, c, out_c * size, size, e);
      w += padded_out * pairs * 2;
      scale += padded_out << 2;
      if (bias) bias += padded_out << 2;
      c += group_out * size;
    }
  }
}

/** Whether the im2col rows are the input's pixels as they lie. */
function is_pointwise(r: usize): bool {
  const window = Field.i32(r, ConvField.kernel_h) * Field.i32(r, ConvField.kernel_w);
  const stride = Field.i32(r, ConvField.stride_h) * Field.i32(r, ConvField.stride_w);
  const same =
    Field.i32(r, ConvField.in_h) === Field.i32(r, ConvField.out_h) && Field.i32(r, ConvField.in_w) === Field.i32(r, ConvField.out_w);
  return window === 1 && stride === 1 && same && !(Field.i32(r, ConvField.pad_top) | Field.i32(r, ConvField.pad_left));
}
