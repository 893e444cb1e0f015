import type { InputSpec, ItemData } from "../data/index.ts";
import { imageInput } from "../data/pixels.ts";
import { EdgepackError } from "../errors.ts";
import type { Picture } from "./png.ts";

const SIDE = 64;

/** An item of an image input as a picture of at most 64 pixels a side; undefined where the input takes no image. Values of f32 inputs are spread over all grays. */
export function thumbnailOf(input: InputSpec, item: ItemData | undefined): Picture | undefined {
  const image = readAsImage(input);
  if (!item || !image || item.length !== image.width * image.height * image.channels) return undefined;
  const { channels, form } = image;
  const planar = image.planar && form !== "raw";
  const step = Math.max(1, Math.max(image.width, image.height) / SIDE);
  const [width, height] = [Math.max(1, Math.floor(image.width / step)), Math.max(1, Math.floor(image.height / step))];
  const value = item instanceof Float32Array ? spread(item) : (x: number) => x;
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [c, pixel] = [i % channels, Math.floor(i / channels)];
    const at = Math.floor(Math.floor(pixel / width) * step) * image.width + Math.floor((pixel % width) * step);
    return value(item[planar ? c * image.width * image.height + at : at * channels + c]);
  });
  return { width, height, channels, data };
}

function readAsImage(input: InputSpec): ReturnType<typeof imageInput> | undefined {
  try {
    return imageInput(input);
  } catch (error) {
    if (error instanceof EdgepackError) return undefined;
    throw error;
  }
}

function spread(values: Float32Array): (x: number) => number {
  let [min, max] = [0, 0];
  for (const x of values) {
    if (x < min) min = x;
    if (x > max) max = x;
  }
  return (x) => (255 * (x - min)) / (max - min || 1);
}
