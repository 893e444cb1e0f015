/** Packed layouts of int8 layers (ABI_VERSION): what `assembly/kernels/qs8_*` read. */
import { PANEL_ROWS, QS8_NR, WINOGRAD_TILES } from "../../assembly/shared/layout.ts";
import type { Window } from "../ops/window.ts";

const padded = (n: number, step: number): number => Math.ceil(n / step) * step;

/**
 * Weights of a matrix product: `w` is [n][k] row-major, the result [⌈n/16⌉][⌈k/2⌉][16][2], zero where n or k have no element.
 * A convolution's k runs over [kernel_h][kernel_w][in_c / groups]; for several groups pass `groups`, with n the outputs of all of them:
 * the packed groups follow each other.
 */
export function packQs8Gemm(w: Int8Array, n: number, k: number, groups = 1): Int8Array {
  const pairs = Math.ceil(k / 2);
  const outputs = n / groups;
  const stride = padded(outputs, QS8_NR);
  const packed = new Int8Array(groups * stride * pairs * 2);
  for (let o = 0; o < n; o++) {
    const lane = Math.floor(o / outputs) * stride + (o % outputs);
    const at = (lane - (lane % QS8_NR)) * pairs * 2 + (lane % QS8_NR) * 2;
    for (let i = 0; i < k; i++) packed[at + (i >> 1) * QS8_NR * 2 + (i & 1)] = w[o * k + i];
  }
  return packed;
}

/** Weights of a depthwise convolution: `w` is [channels][kernel_h · kernel_w], packed as a matrix product with k = taps. */
export function packQs8Depthwise(w: Int8Array, channels: number, taps: number): Int8Array {
  return packQs8Gemm(w, channels, taps);
}

/** A bias or scale with each group's entries (all, by default) padded with zeros to whole panels, as the kernels load them. Depthwise layers are one group. */
export function padChannels<T extends Int32Array | Float32Array>(values: T, groups = 1, lanes = QS8_NR): T {
  const outputs = values.length / groups;
  const stride = padded(outputs, lanes);
  const out = new (values.constructor as new (length: number) => T)(groups * stride);
  for (let g = 0; g < groups; g++) out.set(values.subarray(g * outputs, (g + 1) * outputs), g * stride);
  return out;
}

/** Bytes of `qs8_gemm`'s scratch: rows of `a` as i16, as many as one panel call takes. */
export function qs8GemmScratch(k: number, m = PANEL_ROWS): number {
  return Math.min(m, PANEL_ROWS) * padded(k, 2) * 2;
}

type Geometry = Pick<Window, "batch" | "out" | "kernel" | "stride" | "dilation" | "pad">;

/** Bytes of the ring of input rows that windows are read from: `slots` rows, one of padding, and which row each slot holds. */
function ringBytes(slots: number, pixels: number, channels: number): number {
  return (slots + 1) * pixels * channels * 2 + 4 * slots;
}

/** Bytes of `qs8_conv`'s scratch: im2col rows as i16 and, unless windows are single pixels, a ring of input rows. `channels` are those of a group. */
export function qs8ConvScratch(channels: number, { batch, out, kernel, stride, dilation, pad }: Geometry): number {
  const rows = qs8GemmScratch(kernel[0] * kernel[1] * channels, batch * out[0] * out[1]);
  if (kernel[0] * kernel[1] === 1 && pad.every((p) => p === 0)) return rows;
  return rows + ringBytes(kernel[0], (out[1] - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1, channels);
}

/** Bytes of `qs8_winograd`'s scratch: a ring of input rows; transformed inputs of a block of tiles, transformed weights of 8 outputs, their products. */
export function qs8WinogradScratch(channels: number, { batch, out }: Pick<Geometry, "batch" | "out">): number {
  const [down, across] = out.map((size) => Math.ceil(size / 2));
  const tiles = Math.min(WINOGRAD_TILES, padded(batch * down * across, 4));
  return ringBytes(4, 2 * across + 2, channels) + 32 * (tiles * channels + 8 * channels + 16 * tiles) + 2 * 16 * 64;
}

/** Bytes of `qs8_dwconv`'s scratch: widened input rows, what each holds, and the addresses of the taps. */
export function qs8DepthwiseScratch(
  channels: number,
  { out, kernel, stride, dilation }: Pick<Window, "out" | "kernel" | "stride" | "dilation">,
): number {
  const width = (out[1] - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1;
  return (kernel[0] + 1) * width * padded(channels, 8) * 2 + 4 * kernel[0] + 4 * (kernel[0] * kernel[1] + 1);
}
