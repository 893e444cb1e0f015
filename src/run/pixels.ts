import type { InputPort } from "../format/image.ts";
import { elementsOf } from "../format/meta.ts";

interface Picture {
  readonly channels: number;
  readonly area: number;
  readonly count: number;
}

function pictureOf({ shape, preprocess }: InputPort): Picture {
  const [a, b, c] = shape.slice(-3);
  const [channels, area] = preprocess!.layout === "nchw" ? [a, b * c] : [c, a * b];
  return { channels, area, count: elementsOf(shape.slice(0, -3)) };
}

/** Bytes of one pixel, where `value` is raw pixels for this input: as many as channels, or 4 (RGBA); otherwise 0. */
export function bytesPerPixel(port: InputPort, value: unknown): number {
  if (!port.preprocess || !(value instanceof Uint8Array || value instanceof Uint8ClampedArray)) return 0;
  const { channels, area, count } = pictureOf(port);
  const bytes = value.length / (area * count);
  return bytes === channels || (bytes === 4 && channels < 4) ? bytes : 0;
}

/**
 * Raw pixels as the model's input: (byte / 255 − mean) / std, in the port's layout. From RGBA the first channels are taken; one channel is made of
 * RGB by ITU-R BT.601, in the 16-bit fixed point that Pillow uses.
 */
export function writePixels(port: InputPort, pixels: Uint8Array | Uint8ClampedArray, to: Float32Array): void {
  const { channels, area, count } = pictureOf(port);
  const { mean, std, layout } = port.preprocess!;
  const step = pixels.length / (area * count);
  const gray = step === 4 && channels === 1;
  const planar = layout === "nchw";
  const stride = planar ? 1 : channels;
  for (let c = 0; c < channels; c++) {
    const values = new Float32Array(256).map((_, byte) => (byte / 255 - mean[c]) / std[c]);
    for (let n = 0; n < count; n++) {
      let at = n * channels * area + (planar ? c * area : c);
      for (let p = n * area * step, end = p + area * step; p < end; p += step, at += stride)
        to[at] = values[gray ? (pixels[p] * 19595 + pixels[p + 1] * 38470 + pixels[p + 2] * 7471 + 32768) >> 16 : pixels[p + c]];
    }
  }
}
