/** How images are made to fit a model's input. */
import type { Pixels } from "./pixels.ts";

/** `stretch`: the whole image, its aspect ratio not kept; `cover`: the largest part in the middle; `contain`: the whole image between bars. */
export const RESIZE_MODES = ["stretch", "cover", "contain"] as const;
export type ResizeMode = (typeof RESIZE_MODES)[number];

export interface Fit {
  /** `stretch` where absent. */
  readonly resize?: ResizeMode;
  /**
   * With `cover`, 0 < crop ≤ 1: how much of the shorter side is kept. 1 where absent; ImageNet's usual 224 of 256 is 0.875.
   */
  readonly crop?: number;
}

/** Gray of the bars, as detectors are trained with (the letterbox of YOLOv3 to v8). */
const BAR = 114;

/** A part of an image in its own coordinates, in which pixel i covers i..i+1. */
interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** For each output position: the two source positions and the weight of the second. */
function taps(begin: number, length: number, size: number, to: number) {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(Math.max(begin + ((i + 0.5) * length) / to - 0.5, 0), size - 1);
    const first = Math.floor(at);
    return { first, second: Math.min(first + 1, size - 1), weight: at - first };
  });
}

/**
 * Bilinear resize of an image, or of a region of it, with half-pixel centres and no antialiasing (PyTorch's `interpolate(mode="bilinear",
 * align_corners=False)`), in double, rounded to the nearest byte. What is asked for fills the output: the aspect ratio is not kept.
 */
export function resize(pixels: Pixels, height: number, width: number, region?: Region): Pixels {
  if (!region && pixels.height === height && pixels.width === width) return pixels;
  const { x: left0, y: top0, width: across, height: down } = region ?? { x: 0, y: 0, width: pixels.width, height: pixels.height };
  const { channels, data } = pixels;
  const stride = pixels.width * channels;
  const columns = taps(left0, across, pixels.width, width);
  const out = new Uint8Array(height * width * channels);
  let to = 0;
  for (const y of taps(top0, down, pixels.height, height)) {
    const [top, bottom] = [y.first * stride, y.second * stride];
    for (const x of columns) {
      const [left, right] = [x.first * channels, x.second * channels];
      for (let k = 0; k < channels; k++) {
        const above = data[top + left + k] + (data[top + right + k] - data[top + left + k]) * x.weight;
        const below = data[bottom + left + k] + (data[bottom + right + k] - data[bottom + left + k]) * x.weight;
        out[to++] = above + (below - above) * y.weight + 0.5;
      }
    }
  }
  return { width, height, channels, data: out };
}

function cover(pixels: Pixels, height: number, width: number, crop: number): Pixels {
  const scale = Math.min(pixels.height / height, pixels.width / width) * crop;
  const part = { width: width * scale, height: height * scale };
  return resize(pixels, height, width, { ...part, x: (pixels.width - part.width) / 2, y: (pixels.height - part.height) / 2 });
}

function contain(pixels: Pixels, height: number, width: number): Pixels {
  const scale = Math.min(height / pixels.height, width / pixels.width);
  const rows = Math.max(1, Math.round(pixels.height * scale));
  const columns = Math.max(1, Math.round(pixels.width * scale));
  const { channels, data } = resize(pixels, rows, columns);
  const out = new Uint8Array(height * width * channels).fill(BAR);
  const [top, left] = [(height - rows) >> 1, (width - columns) >> 1];
  for (let y = 0; y < rows; y++)
    out.set(data.subarray(y * columns * channels, (y + 1) * columns * channels), ((top + y) * width + left) * channels);
  return { width, height, channels, data: out };
}

/** An image of `height` × `width` from one of any size. */
export function fitTo(pixels: Pixels, height: number, width: number, { resize: mode = "stretch", crop = 1 }: Fit): Pixels {
  if (mode === "cover") return cover(pixels, height, width, crop);
  return mode === "contain" ? contain(pixels, height, width) : resize(pixels, height, width);
}
