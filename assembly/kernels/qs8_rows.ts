import { Field } from "../lib/record";
import { ConvField } from "../shared/plan";
import { Epilogue } from "./qs8_epilogue";
import { qs8_widen } from "./qs8_widen";

/**
 * A ring of a convolution's input rows as i16, zero point subtracted, with their padding as zeros: no window in it has an edge case, and what the next row
 * of outputs reads again stands there already. It lies in scratch: `slots` rows of `row_bytes`, one more that is all padding, then which input
 * row each slot holds (i32).
 */
export class Rows {
  @inline static held(rows: usize, slots: i32, row_bytes: i32): usize {
    return rows + (slots + 1) * row_bytes;
  }

  /** Before the first image. */
  static clear(rows: usize, slots: i32, row_bytes: i32): void {
    memory.fill(rows, 0, (slots + 1) * row_bytes);
    Rows.forget(rows, slots, row_bytes);
  }

  /** Before another image: no slot holds a row of it. */
  static forget(rows: usize, slots: i32, row_bytes: i32): void {
    memory.fill(Rows.held(rows, slots, row_bytes), 0xff, slots << 2);
  }

  /**
   * Where row `iy` of the image at `a` stands: pixels of `pixel` bytes that hold `channels` channels, the first of them pad_left pixels before the image's.
   * Rows that one window reads are dilation_h apart and never take each other's slot. Without channels there is nothing but padding.
   */
  static at(r: usize, rows: usize, slots: i32, row_bytes: i32, pixel: i32, channels: i32, a: usize, iy: i32): usize {
    if (iy < 0 || iy >= Field.i32(r, ConvField.in_h) || pixel === 0) return rows + slots * row_bytes;
    const slot = (iy / Field.i32(r, ConvField.dilation_h)) % slots;
    const row = rows + slot * row_bytes;
    const holds = Rows.held(rows, slots, row_bytes) + ((<usize>slot) << 2);
    if (load<i32>(holds) === iy) return row;
    store<i32>(holds, iy);
    const in_w = Field.i32(r, ConvField.in_w);
    const in_c = Field.i32(r, ConvField.in_c);
    const left = Field.i32(r, ConvField.pad_left) * pixel;
    const zero = Epilogue.zero(r + (ConvField.lo << 2));
    const n = min(in_w, (row_bytes - left) / pixel);
    const src = a + iy * in_w * in_c;
    if (n > 0 && in_c << 1 === pixel) qs8_widen(row + left, 0, src, 0, 1, n * in_c, zero);
    else qs8_widen(row + left, pixel, src, in_c, n, channels, zero);
    return row;
  }
}
