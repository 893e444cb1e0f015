/** Files of which each is one item: images and recordings. */
import { EdgepackError } from "../errors.ts";
import type { Classes } from "./classes.ts";
import { type Dataset, invalid, type OpenOptions } from "./dataset.ts";
import { readBytes, readHead } from "./file.ts";
import { decodeImage, IMAGE_MAGIC_BYTES, isImage } from "./images.ts";
import { imageInput, toInput } from "./pixels.ts";
import { openRecordings } from "./sound.ts";
import { isWav, WAV_MAGIC_BYTES } from "./wav.ts";

interface Medium {
  readonly name: RegExp;
  /** What files are that only bear the name. */
  readonly otherwise: string;
  readonly is: (head: Uint8Array) => boolean;
  readonly open: (path: string, files: readonly string[], options: OpenOptions) => Dataset;
}

const MEDIA: readonly Medium[] = [
  { name: /\.(png|jpe?g)$/i, otherwise: "neither PNG nor JPEG images", is: isImage, open: openImages },
  { name: /\.wav$/i, otherwise: "no WAV recordings", is: isWav, open: openRecordings },
];

/** Bytes that `isMedia` needs. */
export const MEDIA_MAGIC_BYTES = Math.max(IMAGE_MAGIC_BYTES, WAV_MAGIC_BYTES);

/** Whether a file of this name is taken for an image or a recording. */
export const isMediaName = (name: string): boolean => MEDIA.some((medium) => medium.name.test(name));

/** Whether a file that begins so is an image or a recording. */
export const isMedia = (head: Uint8Array): boolean => MEDIA.some(({ is }) => is(head));

/** Images that are read and decoded when asked for. */
function openImages(path: string, files: readonly string[], options: OpenOptions): Dataset {
  const { inputs } = options;
  if (inputs.length !== 1)
    throw invalid(path, `images feed one input, and the model has ${inputs.length}; give an .npz with an array for each`);
  const input = imageInput(inputs[0], options);
  return {
    count: files.length,
    kind: "images",
    description: `${files.length} image${files.length === 1 ? "" : "s"} from ${path}`,
    async item(i) {
      return { [input.name]: toInput(decodeImage(files[i], readBytes(files[i])), input) };
    },
  };
}

/**
 * Files of one medium, an item each, with their classes. Throws DATA_INVALID where there are images among recordings, or files that only bear
 * the name, all of which it names; with `skipBad`, those reject when they are read.
 */
export function openMedia(path: string, files: readonly string[], options: OpenOptions, classes?: Classes): Dataset {
  const heads = files.map((file) => readHead(file, MEDIA_MAGIC_BYTES));
  const first = heads.findIndex(isMedia);
  const medium = MEDIA.find(({ is, name }) => (first < 0 ? name.test(files[0]) : is(heads[first])))!;
  const other = files.findIndex((_, i) => MEDIA.some((m) => m !== medium && m.is(heads[i])));
  if (other >= 0) throw invalid(path, `it holds both images and recordings (${files[first]}, ${files[other]}); keep one or the other`);
  const bad = files.filter((_, i) => !medium.is(heads[i]));
  if (bad.length > 0 && !options.skipBad) throw new EdgepackError("DATA_INVALID", `${path}: these files are ${medium.otherwise}`, bad);
  return { ...medium.open(path, files, options), ...classes };
}
