/** How a window of `kernel` taps, `dilation` apart, lies on a line of `size` elements when its first tap is at `start`. */
export class Window {
  /** The first tap at or after element 0. */
  @inline static first(start: i32, dilation: i32): i32 {
    return start < 0 ? (dilation - 1 - start) / dilation : 0;
  }

  /** One past the last tap before element `size`. */
  @inline static end(start: i32, size: i32, kernel: i32, dilation: i32): i32 {
    return start >= size ? 0 : min(kernel, (size - start + dilation - 1) / dilation);
  }
}
