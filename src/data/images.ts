import { decode as decodeJpeg } from "jpeg-js";
import { invalid } from "./dataset.ts";
import { startsWith } from "./file.ts";
import { MAX_PIXELS, type Pixels } from "./pixels.ts";
import { decodePng, PNG_MAGIC } from "./png.ts";

const JPEG_MAGIC = [0xff, 0xd8, 0xff] as const;

/** Memory that the JPEG decoder may take: coefficients of the largest image allowed. */
const JPEG_MEMORY_MB = 2048;

/** Bytes that `isImage` needs. */
export const IMAGE_MAGIC_BYTES = 8;

/** Whether a file that begins so is a PNG or a JPEG. */
export function isImage(head: Uint8Array): boolean {
  return startsWith(head, PNG_MAGIC) || startsWith(head, JPEG_MAGIC);
}

/** JPEG, baseline or progressive. Orientation tags and colour profiles are ignored, as most training pipelines ignore them. */
function decodeJpegRgb(bytes: Uint8Array): Pixels {
  try {
    const { width, height, data } = decodeJpeg(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: MAX_PIXELS / 1e6,
      maxMemoryUsageInMB: JPEG_MEMORY_MB,
    });
    return { width, height, channels: 3, data };
  } catch (cause) {
    if (!/limit exceeded/.test((cause as Error).message)) throw cause;
    throw new Error(`it is too large; edgepack reads images up to ${MAX_PIXELS / 2 ** 20} Mpixel`, { cause });
  }
}

/** A PNG or JPEG as gray or RGB bytes; its first bytes decide which. Throws DATA_INVALID, naming `path`. */
export function decodeImage(path: string, bytes: Uint8Array): Pixels {
  const decoder = startsWith(bytes, PNG_MAGIC) ? decodePng : startsWith(bytes, JPEG_MAGIC) ? decodeJpegRgb : undefined;
  if (!decoder) throw invalid(path, "neither a PNG nor a JPEG image");
  try {
    const pixels = decoder(bytes);
    if (pixels.data.length === 0) throw new Error("it has no pixels");
    return pixels;
  } catch (error) {
    throw invalid(path, `a damaged or unreadable image: ${(error as Error).message}`, error);
  }
}
