/**
 * Packed layouts of f32 layers (ABI_VERSION): what `assembly/kernels/gemm` and its neighbours read. Weights on an int8 grid take the same
 * layouts, since they become f32 element by element as they are unpacked.
 */
import { F32_NR, PANEL_ROWS } from "../../assembly/shared/layout.ts";

/**
 * Weights of a matrix product: `w` is [n][k] row-major, the result [⌈n/8⌉][k][8], zero where n has no element.
 * A convolution's k runs over [kernel_h][kernel_w][in_c / groups]; for several groups pass `groups`, with n the outputs of all of them:
 * the packed groups follow each other.
 */
export function packF32Gemm<T extends Float32Array | Int8Array>(w: T, n: number, k: number, groups = 1): T {
  const outputs = n / groups;
  const stride = Math.ceil(outputs / F32_NR) * F32_NR;
  const packed = new (w.constructor as new (length: number) => T)(groups * stride * k);
  for (let o = 0; o < n; o++) {
    const lane = Math.floor(o / outputs) * stride + (o % outputs);
    const at = (lane - (lane % F32_NR)) * k + (lane % F32_NR);
    for (let i = 0; i < k; i++) packed[at + i * F32_NR] = w[o * k + i];
  }
  return packed;
}

/** Weights of a depthwise convolution: `w` is [channels][kernel_h · kernel_w], the result its transpose. */
export function packF32Depthwise<T extends Float32Array | Int8Array>(w: T, channels: number, taps: number): T {
  const packed = new (w.constructor as new (length: number) => T)(channels * taps);
  for (let c = 0; c < channels; c++) for (let t = 0; t < taps; t++) packed[t * channels + c] = w[c * taps + t];
  return packed;
}

/**
 * Bytes of `f32_conv`'s scratch: im2col rows. `k` is kernel_h · kernel_w · in_c / groups, `outputs` is batch · out_h · out_w; pointwise
 * layers of stride 1 need none.
 */
export function f32ConvScratch(k: number, outputs = PANEL_ROWS): number {
  return Math.min(outputs, PANEL_ROWS) * k * 4;
}
