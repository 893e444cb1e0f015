import { EdgepackError } from "../errors.ts";
import type { InputSpec, ItemData } from "./dataset.ts";
import { type Fit, fitTo } from "./fit.ts";

/** Images above this are refused before they are decoded. */
export const MAX_PIXELS = 64 * 2 ** 20;

/** An image in memory: rows of pixels, channels together (HWC), one byte each. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** Where images go, and how they are made to fit: a model input that is one image. */
export interface ImageInput extends Fit {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  /** Planar (C, H, W) where true. */
  readonly planar: boolean;
  /** `raw`: bytes that the runtime preprocesses; `unit`: f32 in 0..1; `bytes`: bytes in the input's own layout. */
  readonly form: "raw" | "unit" | "bytes";
}

/** The shape of one item, without a batch of 1; a vector with the length of a square is read as a gray image. */
function itemDims(shape: readonly number[]): number[] {
  const dims = shape[0] === 1 && (shape.length === 4 || shape.length === 2) ? shape.slice(1) : shape;
  const side = Math.sqrt(dims[0]);
  if (dims.length === 1 && Number.isInteger(side)) return [side, side, 1];
  return dims.length === 2 ? [...dims, 1] : [...dims];
}

/**
 * Reads an input's shape as an image: [1,C,H,W] or [C,H,W] with C of 1 or 3, [1,H,W,C] or [H,W,C], [H,W], or a vector [1,n] that is a square gray image.
 * The layout of its preprocessing decides where both readings fit, else planar. Throws DATA_INVALID where it is none of these.
 */
export function imageInput({ name, shape, dtype = "f32", preprocess }: InputSpec, { resize, crop }: Fit = {}): ImageInput {
  const dims = itemDims(shape);
  const fits = dims.length === 3 && (dtype === "f32" || dtype === "u8");
  const isChannels = (n: number): n is 1 | 3 => n === 1 || n === 3;
  const [first, , last] = dims;
  const planar = isChannels(first) && (preprocess?.layout !== "nhwc" || !isChannels(last)) && (shape.length > 2 || !isChannels(last));
  const [height, width, channels] = planar ? [dims[1], dims[2], first] : dims;
  if (!fits || !isChannels(channels))
    throw new EdgepackError(
      "DATA_INVALID",
      `input ${name} of ${dtype}[${shape.join(",")}] does not take one image of 1 or 3 channels; give its values as .npy or .npz`,
    );
  return { name, height, width, channels, planar, form: preprocess ? "raw" : dtype === "u8" ? "bytes" : "unit", resize, crop };
}

/** Gray from RGB is luma by ITU-R BT.601 (0.299, 0.587, 0.114) in 16-bit fixed point, the same integers as Pillow's; RGB from gray repeats it. */
export function withChannels({ width, height, channels, data }: Pixels, wanted: 1 | 3): Pixels {
  if (channels === wanted) return { width, height, channels, data };
  const out = new Uint8Array(width * height * wanted);
  if (wanted === 3) for (let i = 0; i < out.length; i++) out[i] = data[(i / 3) | 0];
  else
    for (let i = 0, p = 0; i < out.length; i++, p += 3) out[i] = (data[p] * 19595 + data[p + 1] * 38470 + data[p + 2] * 7471 + 32768) >> 16;
  return { width, height, channels: wanted, data: out };
}

/**
 * An image as an input's data. Where the model carries its preprocessing: the raw bytes (H, W, C), which the runtime normalizes. Else in the
 * input's own layout, as f32 in 0..1 (byte / 255) or, for an input of u8, as bytes.
 */
export function toInput(pixels: Pixels, input: ImageInput): ItemData {
  const { height, width, channels, planar, form } = input;
  const bytes = fitTo(withChannels(pixels, channels), height, width, input).data;
  if (form === "raw") return bytes;
  const out = form === "bytes" ? new Uint8Array(bytes.length) : new Float32Array(bytes.length);
  const divisor = form === "bytes" ? 1 : 255;
  const [pixelStep, channelStep] = planar ? [1, height * width] : [channels, 1];
  for (let i = 0; i < bytes.length; i++) out[((i / channels) | 0) * pixelStep + (i % channels) * channelStep] = bytes[i] / divisor;
  return out;
}
